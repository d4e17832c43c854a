"""Words, or texts, -> word pieces that know which of them are labelled, in the graph.

B examples, W words, T word pieces of the longest example.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfzoo.preprocessing.special_tokens import (
    between_special_tokens,
    column,
    cut,
    framed,
    padded,
    require_special_tokens,
)


class LocatedTexts(NamedTuple):
    """Texts as word pieces, and where the words are.

    Attributes:
        x: dict of ragged (B, None): `token_ids`, `segment_ids`, `padding_mask`.
        begins_word: ragged bool (B, None), True where a piece begins a word.
        starts: ragged int32 (B, None), for each piece the place of its first character.
        ends: ragged int32 (B, None), the place behind its last character.
    """

    x: dict
    begins_word: tf.RaggedTensor
    starts: tf.RaggedTensor
    ends: tf.RaggedTensor


@keras.saving.register_keras_serializable(package="tfzoo")
class TokenClassifierPreprocessor:
    """Makes `[CLS] pieces [SEP]` of words, and aligns their labels with the pieces.

    The first piece of a word carries its label. Further pieces carry none, with one exception: the
    tokenizer cuts words at punctuation (`3:30` is `3`, `:`, `30`), and in a raw text nobody can say
    that these were one word. So a piece that begins such a part carries the label too, as one that
    goes on: `B-time` on `3`, `I-time` on `:` and `30`. Words that the data divide in their own way
    and raw texts then look alike.

    Args:
        tokenizer: a `WordPieceTokenizer`.
        sequence_length: int, the most pieces of an example, special tokens included.

    Raises:
        ValueError: the tokenizer has no start or end token, or there is no room beside them.

    Example:
        ```python
        import tensorflow as tf
        from tfzoo.preprocessing import TokenClassifierPreprocessor, WordPieceTokenizer

        tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "at", "3", ":", "30", "##am"]
        preprocessor = TokenClassifierPreprocessor(WordPieceTokenizer(tokens))
        words = tf.ragged.constant([["At", "3:30am"]])
        x, targets, weights = preprocessor.align(words, tf.ragged.constant([[0, 1]]))
        assert x["token_ids"].to_list() == [[2, 4, 5, 6, 7, 8, 3]]
        assert targets.to_list() == [[0, 0, 1, 2, 2, 0, 0]]
        assert weights.to_list() == [[0, 1, 1, 1, 1, 0, 0]]
        ```

    Source: Devlin et al. 2019, "BERT", section 5.3, for the first pieces.
    """

    def __init__(self, tokenizer: Any, sequence_length: int = 512):
        require_special_tokens(tokenizer, sequence_length, room_for=2)
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        with tf.init_scope():
            self._continues_word = tf.constant(tokenizer.continues_word)

    def __call__(self, texts: Any) -> dict[str, tf.Tensor]:
        """One row for each raw text, padded to the longest of them.

        Args:
            texts: strings (B,).

        Returns:
            Dict of `token_ids` and `segment_ids` int32, and `padding_mask` bool, all (B, T).
        """
        return padded(self.locate(texts).x, self.tokenizer.padding_token_id)

    def locate(self, texts: Any) -> LocatedTexts:
        """Raw texts as pieces, and where their words are; what is too long is cut at its end.

        Args:
            texts: strings (B,).

        Returns:
            `LocatedTexts`; the special tokens begin no word, and their places are 0.
        """
        room = self.sequence_length - 2
        found = self.tokenizer.tokenize_with_offsets(texts)
        pieces, starts, ends = (cut(rows, room) for rows in found)
        begins_word = ~self._is_continuation(pieces)
        x = between_special_tokens(self.tokenizer, [pieces])
        return LocatedTexts(x, *(framed(rows) for rows in (begins_word, starts, ends)))

    def words(self, words: tf.RaggedTensor) -> tuple[dict, tf.RaggedTensor]:
        """Words as pieces, and which of these are first in their words.

        Args:
            words: ragged strings (B, None). A word without any piece counts as an unknown one.

        Returns:
            `(x, is_first)`: dict of ragged `token_ids`, `segment_ids` and `padding_mask`, and
            ragged bool, all (B, None), cut at the sequence length.
        """
        pieces, word_of_piece = self._pieces(words)
        pieces = cut(pieces, self.sequence_length - 2)
        is_first = framed(cut(_begins(word_of_piece), self.sequence_length - 2))
        return between_special_tokens(self.tokenizer, [pieces]), is_first

    def align(
        self, words: tf.RaggedTensor, tags: tf.RaggedTensor
    ) -> tuple[dict, tf.RaggedTensor, tf.RaggedTensor]:
        """Words with tags as pieces with targets, for training.

        Args:
            words: ragged strings (B, None).
            tags: ragged int (B, None), 0 for `O`, `2 n + 1` for `B-` and `2 n + 2` for `I-` of the
                n-th name.

        Returns:
            `(x, targets, weights)`: dict of ragged `token_ids`, `segment_ids` and `padding_mask`;
            ragged int32 and float32; all (B, None), cut at the sequence length.
        """
        pieces, word_of_piece = self._pieces(words)
        is_first = _begins(word_of_piece)
        # The number of the word among all words of the batch.
        word = word_of_piece + tf.cast(tags.row_splits[:-1], tf.int32)[:, None]
        tag = tf.gather(tf.cast(tags.values, tf.int32), word.values)
        going_on = tf.where(tag % 2 == 1, tag + 1, tag)
        carries = is_first.values | ~self._is_continuation(pieces).values
        targets = tf.where(is_first.values, tag, going_on) * tf.cast(carries, tf.int32)
        room = self.sequence_length - 2
        targets = cut(pieces.with_values(targets), room)
        weights = cut(pieces.with_values(tf.cast(carries, tf.float32)), room)
        x = between_special_tokens(self.tokenizer, [cut(pieces, room)])
        return x, framed(targets), framed(weights)

    def _pieces(self, words):
        """Pieces (B, None), and the number of the word in its row that each belongs to."""
        of_words = self.tokenizer.tokenize(words.values)
        unknown = column(of_words, self.tokenizer.unknown_token_id)
        missing = tf.cast(of_words.row_lengths() == 0, tf.int64)
        of_words = tf.concat([of_words, cut(unknown, missing)], axis=1)
        lengths = of_words.row_lengths()
        number = tf.cast(tf.ragged.range(words.row_lengths()).values, tf.int32)
        splits = tf.gather(of_words.row_splits, words.row_splits)
        pieces = tf.RaggedTensor.from_row_splits(of_words.values, splits, validate=False)
        return pieces, pieces.with_values(tf.repeat(number, lengths))

    def _is_continuation(self, pieces):
        return pieces.with_values(tf.gather(self._continues_word, pieces.values))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "sequence_length": self.sequence_length,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TokenClassifierPreprocessor":
        """Restores the preprocessor."""
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(tokenizer, config["sequence_length"])


def _begins(word_of_piece):
    """Whether each piece is the first of its word."""
    before = tf.concat([column(word_of_piece, -1), word_of_piece], axis=1)[:, :-1]
    return word_of_piece.with_values(word_of_piece.values != before.values)
