"""One way to name images, for the library, the scripts and the command line."""

import os

import numpy as np
import tensorflow as tf

from tfzoo.data.digits import digits
from tfzoo.data.image_files import find_image_files, read_image_files
from tfzoo.data.images import ImageCorpus, Images
from tfzoo.data.tfds_source import in_stored_order, prepared

_DIGITS = "digits"
_TFDS = "tfds:"
_TOLERANCE = 1e-3


def load_images(
    source,
    labels=None,
    *,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
    channels: int | None = None,
    image_size: int | tuple[int, int] | None = None,
) -> Images:
    """Reads images from wherever they are into memory.

    Args:
        source: One of

            - a folder, searched to the bottom for .png, .jpg, .jpeg, .bmp, .gif and .webp files.
              If every image lies in a sub-folder, the sub-folders of the first level are the
              classes, in alphabetical order.
            - a file, or a pattern with `*`, `?`, `[...]` or `**`: `"photos/**/*.png"`.
            - `"tfds:name"`: a dataset prepared by TensorFlow Datasets, with its labels. Nothing is
              downloaded.
            - `"digits"`: the built-in scans, see `digits`.
            - an array or tensor (N, height, width) or (N, height, width, channels): integers in
              [0, 255], or floats in [-1, 1].
            - `Images`, which come back as they are.
        labels: Integers (N,), for an array.
        split: A part of the source, where it has parts of its own: `"train"`, `"validation"` or
            `"test"`, for TFDS also slices such as `"train[:10%]"`. None for all of it.
        data_dir: The folder with the prepared datasets of TFDS.
        channels: 1, 3 or 4 converts files to grey, RGB, or RGB with opacity. None keeps theirs.
        image_size: `(height, width)`, or one int for a square, crops files to that shape at their
            centre, and resizes them. None keeps their size.

    Returns:
        `Images`, at least one. Files come in the order of their paths.

    Raises:
        FileNotFoundError: The file, folder or dataset is not there, or it has no images.
        TypeError: `source` is none of the above.
        ValueError: A file is damaged or unlike the others, pixels are out of range, labels do not
            belong to the images, or an argument is not one of its values.

    Example:
        >>> load_images("digits", split="test")
        Images(383 images of 8x8x1, uint8, 10 classes)
    """
    given = dict(
        labels=labels, split=split, data_dir=data_dir, channels=channels, image_size=image_size
    )
    is_name = isinstance(source, str)
    if isinstance(source, Images):
        _only(given, "`Images`")
        return source
    if is_name and source.startswith(_TFDS):
        _only(given, f"'{_TFDS}...'", "split", "data_dir")
        return _from_tfds(source.removeprefix(_TFDS), split, data_dir)
    if is_name and source == _DIGITS:
        _only(given, f"{_DIGITS!r}", "split", "data_dir")
        return _from_digits(split)
    if isinstance(source, (str, os.PathLike)):
        _only(given, "files", "channels", "image_size")
        return _from_files(source, channels, image_size)
    _only(given, "an array", "labels")
    return _from_array(source, labels)


def _only(given, what, *taken):
    """Refuses an argument that would have no effect."""
    for name, value in given.items():
        if value is not None and name not in taken:
            possible = " and ".join(taken) or "no argument"
            raise ValueError(
                f"`{name}` must be left out for {what}: {possible} can be given there; received "
                f"{value!r:.80}."
            )


def _from_digits(split):
    everything = digits(test=0.0).train
    if split is None:
        return everything
    if split not in ImageCorpus._fields or split == "validation":
        raise ValueError(f"split must be 'train' or 'test' for {_DIGITS!r}, got {split!r}.")
    return getattr(digits(), split)


def _from_tfds(name, split, data_dir):
    builder = prepared(name, data_dir)
    features = builder.info.features
    if "image" not in features:
        raise ValueError(f"tfds:{name} has no field 'image'; it has {', '.join(features)}.")
    if None in (features["image"].shape or [None]):
        raise ValueError(
            f"tfds:{name} must have images of one size, and it says {features['image'].shape}."
        )
    batches = list(in_stored_order(builder, split).batch(1024).as_numpy_iterator())
    images = np.concatenate([batch["image"] for batch in batches])
    if "label" not in features:
        return Images(images)
    labels = np.concatenate([batch["label"] for batch in batches]).astype(np.int32)
    return Images(images, labels, tuple(features["label"].names))


def _from_files(source, channels, image_size):
    if channels not in (None, 1, 3, 4):
        raise ValueError(f"channels must be 1, 3, 4 or None, got {channels!r}.")
    image_size = _height_and_width(image_size)
    files = find_image_files(source)
    images = read_image_files(files, channels, image_size)
    folder = os.path.expanduser(os.fspath(source))
    places = [path.relative_to(folder).parts for path in files] if os.path.isdir(folder) else [()]
    if min(map(len, places)) < 2:
        return Images(images)
    names = tuple(sorted({place[0] for place in places}))
    labels = np.array([names.index(place[0]) for place in places], np.int32)
    return Images(images, labels, names)


def _height_and_width(image_size):
    if image_size is None:
        return None
    sides = tuple(image_size) if isinstance(image_size, (tuple, list)) else (image_size,) * 2
    if len(sides) != 2 or any(type(side) is not int or side < 1 for side in sides):
        raise ValueError(
            f"image_size must be (height, width), or one int for a square, got {image_size!r:.80}."
        )
    return sides


def _from_array(source, labels):
    if not isinstance(source, (np.ndarray, tf.Tensor)):
        raise TypeError(
            "source must be a path, a pattern, 'tfds:name', 'digits', or an array, "
            f"got {type(source).__name__}."
        )
    images = np.asarray(source)
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or not images.size:
        raise ValueError(
            "source must be an array (N, height, width) or (N, height, width, channels) that is "
            f"not empty, got the shape {images.shape}."
        )
    return Images(_in_range(images), _checked_labels(labels, len(images)))


def _in_range(images):
    low, high = images.min(), images.max()
    is_float = images.dtype.kind == "f"
    least, most = (-1 - _TOLERANCE, 1 + _TOLERANCE) if is_float else (0, 255)
    if images.dtype.kind not in "fiu" or not (least <= low and high <= most):
        expected = "floats in [-1, 1]" if is_float else "integers in [0, 255] or floats in [-1, 1]"
        raise ValueError(
            f"source must hold {expected}, got {images.dtype} from {low} to {high}: scale it first."
        )
    return images.astype(np.float32 if is_float else np.uint8)


def _checked_labels(labels, count):
    if labels is None:
        return None
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"labels must be {count} integers from 0, one for each image, got "
            f"{labels.dtype} of the shape {labels.shape}."
        )
    return labels.astype(np.int32)
