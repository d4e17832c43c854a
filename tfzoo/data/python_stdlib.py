"""The built-in corpus: the source code of the Python standard library of this machine."""

import os
import sysconfig
import tokenize
from pathlib import Path

from tfzoo.data.documents import Corpus
from tfzoo.data.split import split

# Not the standard library, or tests that some systems leave out.
_FOREIGN_FOLDERS = {"site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test"}
# Written when this Python was built or installed: paths and flags of one machine.
_LOCAL_FILES = ("_sysconfigdata", "sitecustomize", "usercustomize")
_LOCAL_FOLDERS = "config-"


def python_stdlib(validation: float = 0.05, test: float = 0.05, seed: int = 0) -> Corpus:
    """The source code of the Python standard library, split by file.

    Real text that every machine with Python has: about 11 million characters of English and
    code, without packages installed beside it and without its own tests. It differs a little
    from one Python version to the next.

    Args:
        validation: Share of the files for validation, in [0, 1).
        test: Share of the files for testing, in [0, 1). The two sum to less than 1.
        seed: Integer. Another seed is another split, see `split`.

    Returns:
        A `Corpus`; the files are in the order of their paths.

    Raises:
        FileNotFoundError: This Python was installed without its source code.

    Example:
        >>> train, validation, test = python_stdlib()
        >>> sum(map(len, train)) > 8_000_000
        True
    """
    return split(read_python_stdlib(), validation, test, seed)


def read_python_stdlib() -> list[str]:
    """Every file of the standard library that is not blank, in the order of the paths."""
    return list(read_python_modules().values())


def read_python_modules() -> dict[str, str]:
    """The same files by their paths in the standard library: `{"json/decoder.py": ...}`."""
    root = Path(sysconfig.get_path("stdlib"))
    sources = {path.relative_to(root).as_posix(): _read(path) for path in _source_files(root)}
    modules = {path: text for path, text in sources.items() if text.strip()}
    if not modules:
        raise FileNotFoundError(
            f"The Python standard library has no source files in {root}: this Python was "
            "installed without them. Use another Python, or name other data."
        )
    return modules


def _source_files(root):
    paths = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if _is_standard_folder(name)]
        paths += [Path(folder, name) for name in files if _is_standard_file(name)]
    return sorted(paths, key=lambda path: path.relative_to(root).as_posix())


def _is_standard_folder(name):
    return name not in _FOREIGN_FOLDERS and not name.startswith(_LOCAL_FOLDERS)


def _is_standard_file(name):
    return name.endswith(".py") and not name.startswith(_LOCAL_FILES)


def _read(path):
    try:
        # Python's own way to open a source file: it obeys "# -*- coding: ... -*-".
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError):
        # Not Python text; one such file is no reason to have no corpus.
        return ""
