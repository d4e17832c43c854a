"""Where a callback writes: known to be possible at once, and never half-written."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


def require_place(path: str | os.PathLike | None) -> None:
    """Makes the folder of a file, or says why it cannot be.

    Args:
        path: of the file; None for no file.

    Raises:
        ValueError: `path` is a folder, or is in one that cannot be made or written to.
    """
    if path is None:
        return
    if Path(path).is_dir():
        raise ValueError(f"`path` must be a file; {os.fspath(path)!r} is a folder.")
    folder = Path(path).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"`path` must be in a folder that can be made; received {os.fspath(path)!r}, and "
            f"{error.filename}: {error.strerror}."
        ) from error
    if not os.access(folder, os.W_OK):
        raise ValueError(f"`path` must be in a folder one may write to; {folder} is not.")


@contextlib.contextmanager
def written_aside(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a hidden name beside a file, with its ending; what is there at the end is renamed."""
    path = Path(path)
    require_place(path)
    aside = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
