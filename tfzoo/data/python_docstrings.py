"""English prose that every machine with tfzoo has: the docstrings of installed Python packages."""

import ast
import importlib.util
import tokenize
from pathlib import Path

from tfzoo.data.documents import Corpus
from tfzoo.data.python_stdlib import read_python_modules
from tfzoo.data.split import split

# Packages that tfzoo installs, with much to say.
PACKAGES = ("keras", "matplotlib", "numpy")
_TESTS = ("test", "tests", "testing")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_SHORTEST = 80  # characters; below it stand "See base class." and its kin


def python_docstrings(validation: float = 0.05, test: float = 0.05, seed: int = 0) -> Corpus:
    """The docstrings of the Python standard library and of the packages that tfzoo needs.

    Some six million characters of English, with code in examples; reading them takes half a minute.
    A document is what one class, function or module says of itself; what two say is there once. It
    differs a little from one version of Python and the packages to the next.

    Args:
        validation: Share of the texts for validation, in [0, 1).
        test: Share of the texts for testing, in [0, 1). The two sum to less than 1.
        seed: Integer. Another seed is another split, see `split`.

    Returns:
        A `Corpus`, its texts in the order of the files.

    Raises:
        FileNotFoundError: This Python was installed without its source code.
    """
    return split(read_python_docstrings(), validation, test, seed)


def read_python_docstrings() -> list[str]:
    """All of them, in the order of the files, the standard library first."""
    sources = [*read_python_modules().values(), *_sources_of_packages()]
    # A dictionary keeps the order and drops what was there before.
    return list(dict.fromkeys(text for source in sources for text in docstrings(source)))


def docstrings(source: str, shortest: int = _SHORTEST) -> list[str]:
    """The docstrings of a file that have at least `shortest` characters."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    nodes = [node for node in ast.walk(tree) if isinstance(node, _DOCUMENTED)]
    texts = [ast.get_docstring(node) or "" for node in nodes]
    return [text for text in texts if len(text) >= shortest]


def _sources_of_packages():
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        for folder in (found.submodule_search_locations or []) if found else []:
            for path in sorted(Path(folder).rglob("*.py")):
                if not any(part in _TESTS for part in path.relative_to(folder).parts):
                    yield _read(path)


def _read(path):
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError):
        return ""
