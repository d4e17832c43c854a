"""One form for all images that are measured: 8 bits as they would be stored, or floats."""

import numpy as np

_TOLERANCE = 1e-3


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Images in 8 bits, so that samples have no finer grey than the data.

    Args:
        images: (N, height, width, channels): uint8, or floats in [-1, 1].

    Returns:
        uint8 array of the same shape.

    Raises:
        ValueError: They are no images, or out of range.
    """
    images = np.asarray(images)
    if images.ndim != 4 or not images.size:
        raise ValueError(
            "images must have the shape (N, height, width, channels) and not be empty, got "
            f"{images.shape}."
        )
    if images.dtype == np.uint8:
        return images
    largest = np.abs(images.astype(np.float32)).max()
    if images.dtype.kind != "f" or not largest <= 1 + _TOLERANCE:
        raise ValueError(
            f"images must be uint8, or floats in [-1, 1], got {images.dtype} as large as "
            f"{largest:g}."
        )
    return np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)


def as_floats(images: np.ndarray) -> np.ndarray:
    """Images in which uint8 became float32 in [-1, 1], for which it stands; others as they are."""
    images = np.asarray(images)
    return images / np.float32(127.5) - 1 if images.dtype == np.uint8 else images
