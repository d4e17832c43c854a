"""A folder that appears whole or not at all."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator


@contextlib.contextmanager
def new_folder(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Makes a folder out of files that are written one after another.

    The files are written into a hidden folder beside it, which gets its name when all of them are
    there. If that fails half-way, nothing remains.

    Args:
        folder: path that must not exist yet; parents are made if needed.

    Yields:
        The path to write the files into.

    Raises:
        FileExistsError: if `folder` exists.

    Example:
        ```python
        from tfzoo.checkpoints import new_folder

        with new_folder("greeting") as folder:
            (folder / "hello.txt").write_text("Hello")
            (folder / "name.txt").write_text("you")
        ```
    """
    folder = pathlib.Path(folder).absolute()
    _require_new(folder)
    if folder.parent.exists() and not folder.parent.is_dir():
        raise FileExistsError(
            f"`folder` must lie in a folder; received {folder}, but {folder.parent} is a file. "
            "Choose another place."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    aside.mkdir()
    try:
        yield aside
        # Some libraries write files that only their owner can read.
        for path in aside.rglob("*"):
            path.chmod(
                path.stat().st_mode | aside.stat().st_mode & (0o777 if path.is_dir() else 0o666)
            )
        # A rename may silently take the place of an empty folder, made meanwhile.
        _require_new(folder)
        os.rename(aside, folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _require_new(folder: pathlib.Path) -> None:
    if folder.exists() or folder.is_symlink():
        raise FileExistsError(
            f"`folder` must not exist yet, so that nothing is overwritten; received {folder}, "
            "which does. Choose another name, or remove it first."
        )
