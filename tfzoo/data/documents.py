"""What the rooms downstream are given: a list of documents, or the three parts of a corpus."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple


class Corpus(NamedTuple):
    """The three parts of a corpus, each a list of documents.

    It unpacks like a tuple, and prints sizes rather than text.

    Example:
        >>> train, validation, test = Corpus(["a tale", "a poem"], ["a letter"], ["a joke"])
        >>> len(train)
        2
    """

    train: list[str]
    validation: list[str]
    test: list[str]

    def __repr__(self) -> str:
        parts = (
            f"{name}: {len(part):,} documents, {sum(map(len, part)):,} characters"
            for name, part in zip(self._fields, self, strict=True)
        )
        return f"Corpus({'; '.join(parts)})"


def checked(documents: Iterable[str]) -> Iterator[str]:
    """Yields `documents` as they are, or says which of them is not a string.

    Args:
        documents: Any iterable of strings but a single string.

    Returns:
        An iterator over the same strings.

    Raises:
        TypeError: `documents` is a string, a mapping or no iterable, at once; or, when it comes to
            it, one of them is no string.
    """
    if isinstance(documents, (str, bytes, Mapping)) or not isinstance(documents, Iterable):
        raise TypeError(
            "documents must be a list or another iterable of strings, "
            f"got {type(documents).__name__}: put a single text into a list."
        )
    return map(_checked_document, itertools.count(), documents)


def _checked_document(position, document):
    if not isinstance(document, str):
        raise TypeError(
            "documents must be strings, "
            f"got {type(document).__name__} at position {position}: decode or convert it first."
        )
    return document
