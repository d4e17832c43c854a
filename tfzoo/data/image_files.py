"""Reading images from files."""

import glob
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

FORMATS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
# What Pillow's modes become; one that is not here has more than 8 bits for a channel.
_CHANNELS = {"1": 1, "L": 1, "LA": 4, "RGB": 3, "YCbCr": 3, "CMYK": 3, "RGBA": 4, "P": 3, "PA": 4}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def find_image_files(source: str | os.PathLike) -> list[Path]:
    """The image files that a path, a folder or a glob pattern names, sorted.

    Args:
        source: A file; a folder, searched to the bottom, without hidden files and folders; or a
            pattern with `*`, `?`, `[...]` and `**`.

    Returns:
        Paths, at least one.

    Raises:
        FileNotFoundError: Nothing is there, or there is no image among it.
    """
    name = os.path.expanduser(os.fspath(source))
    if os.path.isfile(name):
        return [Path(name)]
    if os.path.isdir(name):
        found = [path for path in Path(name).rglob("*") if not _is_hidden(path.relative_to(name))]
    elif glob.has_magic(name):
        found = map(Path, glob.glob(name, recursive=True))
    else:
        raise FileNotFoundError(f"There is no file or folder {name!r}: check the path.")
    files = sorted(path for path in found if path.suffix.lower() in FORMATS and path.is_file())
    if not files:
        raise FileNotFoundError(f"{name!r} has no image: expected files in {', '.join(FORMATS)}.")
    return files


def read_image_files(
    files: list[Path], channels: int | None = None, image_size: tuple[int, int] | None = None
) -> np.ndarray:
    """Reads images into one array.

    Args:
        files: Paths, at least one.
        channels: 1 (grey), 3 (RGB) or 4 (RGB and opacity) to convert all of them; None to keep
            what they have, which must be the same for all.
        image_size: `(height, width)` to crop all of them to that shape at their centre and to
            resize them; None to keep the size they have, which must be the same for all.

    Returns:
        uint8 array (N, height, width, channels).

    Raises:
        ValueError: A file is damaged or no image, or it differs from the others; it is named.
    """
    images, first = None, files[0]
    for number, path in enumerate(files):
        image = read_image(path, channels, image_size)
        if images is None:
            # At once, rather than a list and then a copy of all of it.
            images = np.empty([len(files), *image.shape], np.uint8)
        if image.shape != images.shape[1:]:
            raise ValueError(_difference(path, image.shape, first, images.shape[1:]))
        images[number] = image
    return images


def read_image(path: Path, channels: int | None, image_size: tuple[int, int] | None) -> np.ndarray:
    """Reads one image, the first one of an animation; see `read_image_files`."""
    try:
        with Image.open(path) as image:
            channels = channels or _channels(image, path)
            image = ImageOps.exif_transpose(image).convert(_MODES[channels])
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path} is damaged or no image: {error}. Replace it, or take it out of the folder."
        ) from error
    if image_size is not None:
        height, width = image_size
        image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(image.height, image.width, channels)


def _channels(image, path):
    if image.mode not in _CHANNELS:
        raise ValueError(
            f"{path} has pixels of the kind {image.mode!r}, more than 8 bits for a channel: "
            "expected 8. Convert it, or pass channels=1 to cut it to 8 bits."
        )
    if image.mode == "P" and "transparency" in image.info:
        return 4
    return _CHANNELS[image.mode]


def _difference(path, shape, first, first_shape):
    if shape[:2] != first_shape[:2]:
        ours, others = ("x".join(map(str, size[:2])) for size in (shape, first_shape))
        return (
            f"{path} is {ours} (height x width), but {first} is {others}: all images must have "
            "one size. Pass image_size=(height, width) to crop and resize them."
        )
    return (
        f"{path} has {shape[2]} channels, but {first} has {first_shape[2]}: all images must have "
        "the same number. Pass channels=1 or channels=3 to convert them."
    )


def _is_hidden(path):
    return any(part.startswith(".") for part in path.parts)
