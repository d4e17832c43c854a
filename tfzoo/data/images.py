"""What the rooms downstream are given: images with labels, and the parts of a collection."""

import hashlib
from typing import NamedTuple

import numpy as np


class Images(NamedTuple):
    """Images of one size, with or without labels.

    It unpacks like a tuple, and prints sizes rather than pixels.

    Attributes:
        images: array (N, height, width, channels): uint8 in [0, 255], or float32 in [-1, 1].
        labels: int32 array (N,) with values in [0, number of classes), or None.
        class_names: names of the classes in the order of the labels; empty if they have none.

    Example:
        >>> Images(np.zeros([3, 8, 8, 1], np.uint8), np.array([0, 1, 0]), ("cat", "dog"))
        Images(3 images of 8x8x1, uint8, 2 classes)
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count, *shape = self.images.shape
        size = "x".join(map(str, shape))
        classes = f"{self.num_classes} classes" if self.labels is not None else "no labels"
        return f"Images({count:,} images of {size}, {self.images.dtype}, {classes})"

    @property
    def num_classes(self) -> int | None:
        """Number of classes: of the names, or one more than the largest label; None without."""
        if self.labels is None:
            return None
        return len(self.class_names) or int(self.labels.max(initial=-1)) + 1

    def take(self, rows) -> "Images":
        """Some of the images.

        Args:
            rows: indices, a slice, or a mask of N booleans.

        Returns:
            `Images` with those rows alone, and all class names.
        """
        labels = None if self.labels is None else self.labels[rows]
        return Images(self.images[rows], labels, self.class_names)


class ImageCorpus(NamedTuple):
    """The three parts of a collection of images; a part that was not asked for has no images."""

    train: Images
    validation: Images
    test: Images


def split_images(
    images: Images, validation: float = 0.0, test: float = 0.2, seed: int = 0
) -> ImageCorpus:
    """Splits images into parts that stay apart when the collection grows.

    Where an image goes depends on its pixels and the seed alone: adding or removing others moves
    none, and equal images fall into the same part. The parts are therefore near the shares asked
    for, not exactly them.

    Args:
        images: `Images`.
        validation: Share for validation, in [0, 1).
        test: Share for testing, in [0, 1). The two sum to less than 1.
        seed: Integer. Another seed is another split.

    Returns:
        An `ImageCorpus`; within each part the images keep their order.

    Raises:
        ValueError: A share is out of range, or a part that was asked for stays empty.

    Example:
        >>> pixels = np.arange(1000, dtype=np.uint16).view(np.uint8).reshape(1000, 1, 2, 1)
        >>> parts = split_images(Images(pixels), validation=0.1, test=0.2)
        >>> tuple(len(part.images) for part in parts)
        (695, 102, 203)
    """
    if min(validation, test) < 0 or validation + test >= 1:
        raise ValueError(
            "validation and test must be at least 0 and sum to less than 1, "
            f"got validation={validation} and test={test}."
        )
    places = np.array([_place(image, seed) for image in images.images])
    # Opposite ends of [0, 1), so that moving one border leaves the other part alone.
    is_test, is_validation = places < test, places >= 1 - validation
    masks = ~(is_test | is_validation), is_validation & ~is_test, is_test
    parts = ImageCorpus(*map(images.take, masks))
    wanted = ImageCorpus(True, validation > 0, test > 0)
    for name, part, is_wanted in zip(parts._fields, parts, wanted, strict=True):
        if is_wanted and not len(part.images):
            raise ValueError(
                f"The {name} part is empty (validation={validation}, test={test}): "
                f"{len(images.images)} images are too few. Ask for another share, or 0 for no "
                "such part."
            )
    return parts


def _place(image, seed):
    pixels = np.ascontiguousarray(image).tobytes()
    digest = hashlib.blake2b(pixels, digest_size=8, key=str(seed).encode()).digest()
    # 53 bits: as many as a float holds without rounding up to 1.
    return (int.from_bytes(digest, "big") >> 11) / 2**53
