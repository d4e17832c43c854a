"""What BERT makes of each character, asked of Hugging Face `tokenizers` once and kept as a table.

BERT cleans a text character by character: control characters vanish, white space becomes a space,
accents come off, capitals become small, punctuation and Chinese characters stand alone. A table
from code points to what is left says all of it, and it is right by construction: it is filled by
the library with which the world reads its BERT models.
"""

import functools
from typing import NamedTuple

import numpy as np
from tokenizers import normalizers, pre_tokenizers

# Above these Unicode has tags and variation selectors, two private planes and nothing else.
NUM_PLAIN = 0x33480
SELECTORS = range(0xE0000, 0xE0200)
FIRST_PRIVATE = 0xF0000
# The rows of the private planes, which are dropped, and of what has no meaning, which is kept.
NOTHING = NUM_PLAIN + len(SELECTORS)
UNASSIGNED = NOTHING + 1

WORD, SPACE, ALONE = 0, 1, 2
# Added to the kind of a character that `tensorflow_text` cuts in another way.
ODD = 4
NUM_KIND_BITS = 3
NUM_KINDS = 1 << NUM_KIND_BITS

_SURROGATES = range(0xD800, 0xE000)
_LAST = chr(0x10FFFF)
_SEPARATOR = "|"


class BertCharacters(NamedTuple):
    """A ragged table: row r is `codes[row_splits[r] : row_splits[r + 1]]`.

    Rows are the code points below `NUM_PLAIN`, then `SELECTORS`, `NOTHING`, `UNASSIGNED`. A code is
    `NUM_KINDS * code point + kind`, the kind being WORD, SPACE or ALONE.
    """

    codes: np.ndarray
    row_splits: np.ndarray


@functools.cache
def bert_characters(lowercase: bool, strip_accents: bool) -> BertCharacters:
    """Fills the table, which takes a second, once in a process.

    Args:
        lowercase: bool, capitals become small.
        strip_accents: bool, characters are decomposed and lose their combining marks.

    Returns:
        A `BertCharacters` with int32 arrays.
    """
    normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=True,
        strip_accents=strip_accents,
        lowercase=lowercase,
    )
    characters = [row for row in [*range(NUM_PLAIN), *SELECTORS] if row not in _SURROGATES]
    characters.remove(ord(_SEPARATOR))
    # Between separators no character meets another one.
    together = normalizer.normalize_str(_SEPARATOR.join(map(chr, characters)))
    left = dict(zip(characters, together.split(_SEPARATOR), strict=True))
    left[ord(_SEPARATOR)] = _SEPARATOR
    kinds = {" ": SPACE} | dict.fromkeys(_punctuation(set("".join(left.values()))), ALONE)

    texts = [left.get(row, "") for row in [*range(NUM_PLAIN), *SELECTORS]]
    codes = [_codes(text, kinds) for text in [*texts, "", _LAST]]
    return BertCharacters(
        codes=np.array([code for row in codes for code in row], np.int32),
        row_splits=np.cumsum([0, *map(len, codes)], dtype=np.int32),
    )


def _codes(text, kinds):
    # The normalizer puts spaces around a Chinese character.
    if len(text) > 1 and text[0] == text[-1] == " ":
        return [NUM_KINDS * ord(character) + ALONE for character in text.strip()]
    return [NUM_KINDS * ord(character) + kinds.get(character, WORD) for character in text]


def _punctuation(characters):
    """Those of the characters that the pre-tokenizer splits off."""
    letter = "a"
    text = letter + "".join(character + letter for character in sorted(characters))
    pieces = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)
    return {text[start] for _, (start, end) in pieces if end - start == 1 and start % 2}
