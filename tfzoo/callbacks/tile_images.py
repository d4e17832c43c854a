"""Many images in one."""

import math
import os

import numpy as np
from PIL import Image

from tfzoo.callbacks.place import written_aside

LEAST_WIDTH = 56


def tile_images(
    images, columns: int | None = None, scale: int | None = None, gap: int = 1
) -> np.ndarray:
    """Lays images out in rows, from left to right and from top to bottom.

    Args:
        images: (N, height, width, channels) of 1, 3 or 4 channels: uint8, or floats in [-1, 1];
            what lies outside is cut off.
        columns: int >= 1, images in a row; None for a square.
        scale: int >= 1, pixels that become of one pixel, along each side; None for the smallest
            that makes an image at least 56 pixels wide.
        gap: int >= 0, white pixels between two images.

    Returns:
        uint8 array (H, W, channels).

    Raises:
        ValueError: `images` are none, such as points.

    Example:
        >>> tile_images(np.zeros([5, 8, 6, 1]), columns=3, scale=2).shape
        (33, 38, 1)
    """
    images = np.asarray(images)
    if images.ndim != 4 or not len(images) or images.shape[3] not in (1, 3, 4):
        raise ValueError(
            "`images` must have the shape (N, height, width, channels) with 1, 3 or 4 channels, "
            f"N at least 1; received {images.shape}."
        )
    if images.dtype != np.uint8:
        images = np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)
    scale = scale or math.ceil(LEAST_WIDTH / images.shape[2])
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    tiles = np.full([rows * columns, height + gap, width + gap, channels], 255, np.uint8)
    tiles[:count, :height, :width] = images
    tiles = tiles.reshape(rows, columns, height + gap, width + gap, channels).swapaxes(1, 2)
    picture = tiles.reshape(rows * (height + gap), columns * (width + gap), channels)
    return picture[: rows * (height + gap) - gap, : columns * (width + gap) - gap]


def write_picture(path: str | os.PathLike, pictures: list[np.ndarray], **options) -> None:
    """Writes a picture, or several as an animation, beside its place, and renames it.

    Args:
        path: .png for one picture, .gif for one or more; missing folders are made.
        pictures: uint8 arrays (H, W, channels).
        **options: of Pillow's writer.
    """
    first, *others = [
        Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
        for picture in pictures
    ]
    options |= dict(save_all=True, append_images=others) if others else {}
    with written_aside(path) as aside:
        first.save(aside, optimize=True, **options)
