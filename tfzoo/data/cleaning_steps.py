"""Small cleaning steps: Unicode, control characters, length, exact duplicates."""

import re
import unicodedata
from dataclasses import dataclass

_FORMS = ("NFC", "NFKC", "NFD", "NFKD")

# The line breaks of all systems; "\x1c" to "\x1e" separate files, groups and records.
_LINE_BREAK = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85]")
# Control characters but tab and line feed; halves of surrogate pairs; the byte order mark.
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")


@dataclass(frozen=True)
class NormalizeUnicode:
    """Gives characters that can be written in several ways one of them.

    Args:
        form: `"NFC"` composes ("é" is one character); `"NFD"` decomposes; `"NFKC"` and `"NFKD"`
            also replace what only looks different ("ﬁ" by "fi", "²" by "2").

    Source: Unicode Standard Annex 15.
    """

    form: str = "NFC"

    def __post_init__(self):
        if self.form not in _FORMS:
            raise ValueError(f"form must be one of {', '.join(_FORMS)}, got {self.form!r}.")

    def __call__(self, documents: list[str]) -> list[str]:
        """Returns each document normalized."""
        return [unicodedata.normalize(self.form, document) for document in documents]


@dataclass(frozen=True)
class RemoveControlCharacters:
    r"""Removes characters that are no text, and writes every line break as "\n".

    Removed are the control characters (Unicode category Cc) but tab and line feed, lone
    surrogates, which no UTF-8 file can hold, and the byte order mark. Joiners and marks of
    direction stay: emoji, Persian and Hindi need them.
    """

    def __call__(self, documents: list[str]) -> list[str]:
        """Returns each document without them."""
        return [_NO_TEXT.sub("", _LINE_BREAK.sub("\n", document)) for document in documents]


@dataclass(frozen=True)
class DropShort:
    """Drops documents that are too short; by default, those that are empty or blank.

    Args:
        min_characters: The fewest characters that a document keeps its place with, not counting
            white space at its ends. At least 1.
    """

    min_characters: int = 1

    def __post_init__(self):
        if not isinstance(self.min_characters, int) or self.min_characters < 1:
            raise ValueError(
                f"min_characters must be a whole number of at least 1, got {self.min_characters!r}."
            )

    def __call__(self, documents: list[str]) -> list[str | None]:
        """Returns each document, or None for a short one."""
        return [
            document if len(document.strip()) >= self.min_characters else None
            for document in documents
        ]


@dataclass(frozen=True)
class DropExactDuplicates:
    """Drops documents that equal an earlier one, character by character."""

    def __call__(self, documents: list[str]) -> list[str | None]:
        """Returns the first of equal documents, and None for the others."""
        # The last write wins, so writing backwards keeps the first place of each text.
        first = {documents[place]: place for place in reversed(range(len(documents)))}
        return [
            document if first[document] == place else None
            for place, document in enumerate(documents)
        ]
