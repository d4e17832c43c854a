"""The built-in labelled example: which area of the standard library a docstring belongs to."""

import ast
from typing import NamedTuple

from tfzoo.data.labelled_texts import LabelledTexts
from tfzoo.data.python_stdlib import read_python_modules
from tfzoo.data.split import split

# Modules that every Python since 3.11 has, grouped as the chapters of the library's manual are.
AREAS = {
    "concurrency": "asyncio concurrent multiprocessing queue sched selectors subprocess threading",
    "data structures": "_collections_abc collections contextlib copy enum functools heapq weakref",
    "files": "_pyio bz2 filecmp fileinput genericpath glob gzip lzma ntpath os pathlib posixpath "
    "shutil tarfile tempfile zipfile",
    "internet": "ftplib http imaplib ipaddress poplib smtplib socket socketserver ssl urllib "
    "webbrowser wsgiref xmlrpc",
    "language": "ast code codeop dis importlib inspect pkgutil runpy symtable tokenize typing",
    "mail and markup": "base64 email html mailbox mimetypes quopri xml",
    "numbers and time": "_pydatetime _pydecimal _strptime calendar datetime fractions numbers "
    "random statistics zoneinfo",
    "testing": "bdb cProfile doctest pdb profile pstats timeit trace traceback unittest",
    "text": "argparse codecs configparser csv difflib encodings gettext json locale logging "
    "optparse re shlex string textwrap",
}
_AREA_OF_MODULE = {module: area for area, names in AREAS.items() for module in names.split()}
_SHORTEST = 20  # characters; below it stand "See base class." and its kin
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class LabelledCorpus(NamedTuple):
    """The three parts of a labelled corpus, each `LabelledTexts`."""

    train: LabelledTexts
    validation: LabelledTexts
    test: LabelledTexts

    def __repr__(self) -> str:
        sizes = (f"{name}: {len(part.texts):,} texts" for name, part in self._asdict().items())
        return f"LabelledCorpus({'; '.join(sizes)})"


def docstring_areas(validation: float = 0.1, test: float = 0.1, seed: int = 0) -> LabelledCorpus:
    """The docstrings of the Python standard library, and the area of each one's module.

    About 5,000 English texts in nine classes of uneven size, on every machine with Python. They are
    a few words or many paragraphs long. A docstring that occurs in two areas is left out.

    Args:
        validation: Share of the texts for validation, in [0, 1).
        test: Share of the texts for testing, in [0, 1). The two sum to less than 1.
        seed: Integer. Another seed is another split, see `split`.

    Returns:
        A `LabelledCorpus`, its texts in the order of the files.

    Raises:
        FileNotFoundError: This Python was installed without its source code.

    Example:
        >>> corpus = docstring_areas()
        >>> corpus.train.class_names[:3]
        ['concurrency', 'data structures', 'files']
    """
    area_of = {}
    for path, source in read_python_modules().items():
        area = _AREA_OF_MODULE.get(path.split("/")[0].removesuffix(".py"))
        for docstring in _docstrings(source) if area else ():
            area_of[docstring] = area if area_of.get(docstring, area) == area else None
    texts = [text for text, area in area_of.items() if area]
    return LabelledCorpus(
        *(
            LabelledTexts(part, [area_of[text] for text in part])
            for part in split(texts, validation, test, seed)
        )
    )


def _docstrings(source):
    for node in ast.walk(ast.parse(source)):
        docstring = ast.get_docstring(node) if isinstance(node, _DOCUMENTED) else None
        if docstring and len(docstring) >= _SHORTEST:
            yield docstring
