"""Training, validation and test parts that stay apart when the corpus grows."""

import hashlib
from collections.abc import Iterable

from tfzoo.data.documents import Corpus, checked


def split(
    documents: Iterable[str], validation: float = 0.05, test: float = 0.05, seed: int = 0
) -> Corpus:
    """Splits a corpus by document.

    Where a document goes depends on its text and the seed alone: adding or removing others moves
    none, and equal documents fall into the same part. Near-duplicates may not: `clean` first. The
    parts are therefore near the fractions asked for, not exactly them. Changing `validation`
    moves no document into or out of the test part, nor `test` out of validation.

    Args:
        documents: Iterable of strings.
        validation: Share of the documents for validation, in [0, 1).
        test: Share of the documents for testing, in [0, 1). The two sum to less than 1.
        seed: Integer. Another seed is another split.

    Returns:
        A `Corpus`; within each part the documents keep their order.

    Raises:
        TypeError: `documents` is not an iterable of strings.
        ValueError: A fraction is out of range, or a part that was asked for stays empty.

    Example:
        >>> corpus = split([f"document {i}" for i in range(1000)], validation=0.1, test=0.2)
        >>> [len(part) for part in corpus]
        [698, 100, 202]
    """
    _check_fractions(validation, test)
    parts = Corpus([], [], [])
    for document in checked(documents):
        place = _place(document, seed)
        # Opposite ends of [0, 1), so that moving one border leaves the other part alone.
        if place < test:
            parts.test.append(document)
        elif place >= 1 - validation:
            parts.validation.append(document)
        else:
            parts.train.append(document)
    return _none_empty(parts, validation, test)


def split_text(text: str, validation: float = 0.05, test: float = 0.05) -> Corpus:
    """Splits one long text by position: its beginning, then validation, then test.

    For a corpus that is a single document, such as a book. A corpus of many documents is
    better off with `split`.

    Args:
        text: String of N characters.
        validation: Share of the characters for validation, in [0, 1).
        test: Share of the characters for testing, in [0, 1). The two sum to less than 1.

    Returns:
        A `Corpus` with one document in each part, or none where the fraction is 0. The training
        part is the first `int(N * (1 - validation - test))` characters.

    Raises:
        TypeError: `text` is not a string.
        ValueError: A fraction is out of range, or a part that was asked for stays empty.

    Example:
        >>> split_text("abcdefghij", validation=0.2, test=0.1)[:2]
        (['abcdefg'], ['hi'])
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {type(text).__name__}: split() takes lists.")
    _check_fractions(validation, test)
    first, second = int(len(text) * (1 - validation - test)), int(len(text) * (1 - test))
    pieces = text[:first], text[first:second], text[second:]
    return _none_empty(Corpus(*([piece] if piece else [] for piece in pieces)), validation, test)


def _place(document, seed):
    digest = hashlib.blake2b(
        document.encode("utf-8", "surrogatepass"), digest_size=8, key=str(seed).encode()
    ).digest()
    # 53 bits: as many as a float holds without rounding up to 1.
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def _check_fractions(validation, test):
    if min(validation, test) < 0 or validation + test >= 1:
        raise ValueError(
            "validation and test must be at least 0 and sum to less than 1, "
            f"got validation={validation} and test={test}."
        )


def _none_empty(parts, validation, test):
    wanted = Corpus(True, validation > 0, test > 0)
    for name, part, is_wanted in zip(parts._fields, parts, wanted, strict=True):
        if is_wanted and not part:
            raise ValueError(
                f"The {name} part is empty (validation={validation}, test={test}): there are too "
                "few documents. Ask for another fraction (`--held-out` on the command line), 0 "
                "for no such part, or smaller documents (document_per='paragraph')."
            )
    return parts
