"""WordPiece in the graph: texts to the word pieces of BERT, with their places in the texts.

B texts, N characters of all texts, C characters that BERT keeps, W words, P word pieces.
"""

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from tfzoo.preprocessing.bert_characters import (
    ALONE,
    FIRST_PRIVATE,
    NOTHING,
    NUM_KIND_BITS,
    NUM_KINDS,
    NUM_PLAIN,
    ODD,
    SELECTORS,
    SPACE,
    UNASSIGNED,
    WORD,
    BertCharacters,
    bert_characters,
)
from tfzoo.preprocessing.word_piece_files import MAX_WORD_LENGTH

# Private characters stand for special tokens inside the graph; BERT drops those of a text.
FIRST_MARK = 0xE000
MAX_SPECIAL_TOKENS = 0x1900
# A control character: BERT drops it, so that no vocabulary has it.
DROPPED = 1
LONG_WORD = f"(?s).*[^ ]{{{MAX_WORD_LENGTH + 1}}}.*"
# No text holds half of a surrogate pair.
INVALID = 0xD800
NOT_UTF8 = "`texts` must be valid UTF-8, and one of them is not: decode it first."


class _Words(NamedTuple):
    texts: tf.RaggedTensor  # string (B, None), the words of each text
    characters: tf.Tensor  # int32 (C,), the code points of all words, one after another
    firsts: tf.Tensor  # int32 (W,), the first character of each word
    origins: tf.Tensor  # int32 (C,), which of the N characters each of them was


class WordPieceGraph(tf.Module):
    """Cuts texts into words and words into the longest pieces of the vocabulary.

    Args:
        tokens: V strings in the order of their ids; pieces inside a word begin with `##`.
        unknown_token: one of them, for words that have no pieces.
        special_tokens: those of them that are found in texts as they are.
        lowercase: see `bert_characters`.
        strip_accents: see `bert_characters`.

    Source: Song et al. 2021, "Fast WordPiece Tokenization", run by `tensorflow_text`.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        unknown_token: str,
        special_tokens: Sequence[str],
        lowercase: bool,
        strip_accents: bool,
    ):
        super().__init__()
        ids = {token: token_id for token_id, token in enumerate(tokens)}
        # The longest first, so that none is taken for the beginning of another.
        self._specials = tuple(sorted(special_tokens, key=len, reverse=True))
        with tf.init_scope():
            table = _with_odd_ones(lowercase, strip_accents)
            table = _with_marks(table, len(self._specials))
            self._codes = tf.constant(table.codes)
            self._row_splits = tf.constant(table.row_splits)
            self._special_ids = tf.constant([ids[t] for t in self._specials], tf.int32)
            self._special_lengths = tf.constant([len(t) for t in self._specials], tf.int32)
            self._cut_words = _fast_word_piece(tokens, unknown_token, no_pretokenization=True)
            self._cut_texts = _fast_word_piece(tokens, unknown_token, no_pretokenization=False)

    def tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Texts (B,) to int32 token ids (B, None)."""
        characters = self._characters(texts)
        splits, codes = self._left_of(characters)
        limits = tf.gather(splits, characters.row_splits)
        points = tf.bitwise.right_shift(codes, NUM_KIND_BITS)
        clean = tf.RaggedTensor.from_row_splits(points, limits, validate=False)
        clean = tf.strings.unicode_encode(clean, "UTF-8")
        is_odd = tf.reduce_any(tf.bitwise.bitwise_and(codes, ODD) > 0)
        is_long = tf.reduce_any(tf.strings.regex_full_match(clean, LONG_WORD))

        def word_by_word():
            words = self._words(characters, splits, codes)
            pieces = self._cut_words.tokenize(words.texts.values)
            found = _per_text(self._with_specials(pieces, words), pieces, words)
            return found.values, tf.cast(found.row_splits, tf.int64)

        def text_by_text():
            found = self._cut_texts.tokenize(clean)
            return found.values, found.row_splits

        # Nearly all texts: there is no need to look at their words one by one.
        values, splits = tf.cond(is_odd | is_long, word_by_word, text_by_text)
        return tf.RaggedTensor.from_row_splits(values, splits, validate=False)

    def tokenize_with_offsets(
        self, texts: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Texts (B,) to token ids and their places.

        Returns:
            `(token_ids, starts, ends)`, int32 (B, None): the first character of each piece in its
            text, counted from 0, and the character behind its last.
        """
        characters = self._characters(texts)
        words = self._words(characters, *self._left_of(characters))
        pieces, starts, ends = self._cut_words.tokenize_with_offsets(words.texts.values)
        token_ids = _per_text(self._with_specials(pieces, words), pieces, words)

        # From bytes in a word, to bytes in all words, to characters, to those of the texts
        bytes_before = tf.cumsum(_num_bytes(words.characters), exclusive=True)
        word_of_piece = pieces.value_rowids()
        word_start = tf.gather(tf.gather(bytes_before, words.firsts), word_of_piece)
        firsts = word_start + tf.cast(starts.values, tf.int32)
        lasts = word_start + tf.cast(ends.values, tf.int32) - 1
        firsts, lasts = (
            tf.gather(words.origins, tf.searchsorted(bytes_before, place, side="right") - 1)
            for place in (firsts, lasts)
        )
        widths = self._widths(characters.values)
        before = tf.cumsum(widths, exclusive=True)
        text_starts = tf.gather(tf.pad(before, [[0, 1]]), characters.row_starts())
        text_start = tf.gather(text_starts, token_ids.value_rowids())
        starts = tf.gather(before, firsts) - text_start
        ends = tf.gather(before + widths, lasts) - text_start
        return token_ids, token_ids.with_values(starts), token_ids.with_values(ends)

    def _characters(self, texts):
        """Code points (B, None), special tokens replaced by marks, a line end behind each text."""
        if self._specials:
            marks = f"[{chr(FIRST_MARK)}-{chr(FIRST_MARK + len(self._specials) - 1)}]"
            texts = tf.strings.regex_replace(texts, marks, chr(DROPPED))
        for number, token in enumerate(self._specials):
            texts = tf.strings.regex_replace(texts, re.escape(token), chr(FIRST_MARK + number))
        points = tf.strings.unicode_decode(texts + "\n", "UTF-8", replacement_char=INVALID)
        valid = tf.debugging.Assert(tf.reduce_all(points.values != INVALID), [NOT_UTF8])
        with tf.control_dependencies([] if valid is None else [valid]):
            return points.with_values(tf.identity(points.values))

    def _left_of(self, characters):
        """What BERT keeps of each of the N characters: row splits (N + 1,), and codes."""
        (splits,), codes = tf.raw_ops.RaggedGather(
            params_nested_splits=[self._row_splits],
            params_dense_values=self._codes,
            indices=_table_rows(characters.values),
            OUTPUT_RAGGED_RANK=1,
        )
        return splits, codes

    def _words(self, characters, splits, codes):
        """What BERT keeps of the characters, cut into words."""
        kinds = tf.bitwise.bitwise_and(codes, ODD - 1)
        before = tf.concat([[SPACE], kinds], axis=0)[: tf.size(kinds)]
        begins = (kinds == ALONE) | ((kinds == WORD) & (before != WORD))

        kept = tf.where(kinds != SPACE)[:, 0]
        points = tf.gather(tf.bitwise.right_shift(codes, NUM_KIND_BITS), kept)
        firsts = tf.cast(tf.where(tf.gather(begins, kept))[:, 0], tf.int32)
        words = tf.RaggedTensor.from_row_starts(points, firsts, validate=False)
        words = _without_long(words)
        texts = tf.strings.unicode_encode(words, "UTF-8")
        num_words = tf.pad(tf.cumsum(tf.cast(begins, tf.int32)), [[1, 0]])
        limits = tf.gather(num_words, tf.gather(splits, characters.row_splits))
        return _Words(
            tf.RaggedTensor.from_row_splits(texts, limits, validate=False),
            words.values,
            firsts,
            tf.gather(tf.ragged.row_splits_to_segment_ids(splits, out_type=tf.int32), kept),
        )

    def _with_specials(self, pieces, words):
        """The ids of all pieces, where a mark has the id of its special token."""
        numbers = tf.gather(words.characters, words.firsts) - FIRST_MARK
        marked = tf.where(self._is_special(numbers))
        places = tf.gather(pieces.row_splits, marked)
        ids = tf.gather(self._special_ids, tf.gather(numbers, marked[:, 0]))
        return tf.tensor_scatter_nd_update(pieces.values, places, ids)

    def _widths(self, characters):
        """How many characters of its text each stands for: more than 1 for special tokens."""
        if not self._specials:
            return tf.ones_like(characters)
        numbers = characters - FIRST_MARK
        lengths = tf.gather(
            self._special_lengths, tf.clip_by_value(numbers, 0, len(self._specials) - 1)
        )
        return tf.where(self._is_special(numbers), lengths, 1)

    def _is_special(self, numbers):
        return (numbers >= 0) & (numbers < len(self._specials))


def _fast_word_piece(tokens, unknown_token, no_pretokenization):
    try:
        return tf_text.FastWordpieceTokenizer(
            list(tokens),
            max_bytes_per_word=4 * MAX_WORD_LENGTH,
            token_out_type=tf.int32,
            unknown_token=unknown_token,
            no_pretokenization=no_pretokenization,
        )
    except RuntimeError as error:
        raise ValueError(
            f"`vocabulary` must hold ordinary words or pieces; the {len(tokens)} tokens received "
            f"cannot be used: {error}"
        ) from error


@functools.cache
def _with_odd_ones(lowercase, strip_accents):
    """The table, where ODD marks characters at which `tensorflow_text` cuts and BERT does not."""
    table = bert_characters(lowercase, strip_accents)
    codes = np.unique(table.codes)
    between_letters = tf.constant([f"a{chr(code // NUM_KINDS)}a" for code in codes])
    cut = _fast_word_piece(["a", "[UNK]"], "[UNK]", no_pretokenization=False)
    expected = np.choose(codes % NUM_KINDS, [1, 2, 3])
    odd = codes[cut.tokenize(between_letters).row_lengths().numpy() != expected]
    is_odd = np.isin(table.codes, odd)
    return table._replace(codes=(table.codes + ODD * is_odd).astype(np.int32))


def _with_marks(table, num_marks):
    """The table with a row of its own code for each mark, which was empty."""
    marks = FIRST_MARK + np.arange(num_marks)
    codes = np.insert(table.codes, table.row_splits[marks], NUM_KINDS * marks + ALONE + ODD)
    lengths = np.diff(table.row_splits)
    lengths[marks] = 1
    return BertCharacters(codes, np.cumsum([0, *lengths], dtype=np.int32))


def _table_rows(characters):
    """The row of each code point in the table of `bert_characters`."""

    def rows_beyond():
        is_private = (characters >= FIRST_PRIVATE) & (characters % 0x10000 < 0xFFFE)
        is_selector = (characters >= SELECTORS.start) & (characters < SELECTORS.stop)
        rows = tf.where(is_private, NOTHING, UNASSIGNED)
        rows = tf.where(is_selector, NUM_PLAIN + characters - SELECTORS.start, rows)
        return tf.where(characters < NUM_PLAIN, characters, rows)

    is_plain = tf.reduce_max(characters) < NUM_PLAIN
    return tf.cond(is_plain, lambda: characters, rows_beyond)


def _without_long(words):
    """Words whose characters, where there are too many, are such as no vocabulary has."""
    too_long = words.row_lengths() > MAX_WORD_LENGTH

    def hidden():
        return tf.where(tf.gather(too_long, words.value_rowids()), DROPPED, words.values)

    return words.with_values(tf.cond(tf.reduce_any(too_long), hidden, lambda: words.values))


def _num_bytes(characters):
    """UTF-8 bytes of each code point."""
    longer = [tf.cast(characters >= first, tf.int32) for first in (0x80, 0x800, 0x10000)]
    return 1 + tf.add_n(longer)


def _per_text(values, pieces, words):
    """Values of all pieces, as (B, None)."""
    splits = tf.gather(pieces.row_splits, words.texts.row_splits)
    return tf.RaggedTensor.from_row_splits(values, splits, validate=False)
