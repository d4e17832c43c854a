"""Texts or pairs of texts -> token ids between BERT's special tokens, in the graph.

B examples, T tokens of the longest one.
"""

from typing import Any

import keras
import tensorflow as tf

from tfzoo.preprocessing.special_tokens import (
    between_special_tokens,
    cut,
    padded,
    require_special_tokens,
)


@keras.saving.register_keras_serializable(package="tfzoo")
class TextClassifierPreprocessor:
    """Makes `[CLS] a [SEP]`, or `[CLS] a [SEP] b [SEP]` with segments 0 and 1.

    What is too long is cut at its end; of a pair the longer text is cut until both are equally
    long, then both.

    Args:
        tokenizer: a tokenizer with a start and an end token, such as `WordPieceTokenizer`.
        sequence_length: int, the most tokens of an example, special tokens included.

    Raises:
        ValueError: the tokenizer has no start or end token, or there is no room beside them.

    Example:
        ```python
        from tfzoo.preprocessing import TextClassifierPreprocessor, WordPieceTokenizer

        tokenizer = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad"])
        preprocessor = TextClassifierPreprocessor(tokenizer, sequence_length=8)
        x = preprocessor([["good", "bad bad"], ["bad", "good"]])
        assert x["token_ids"].numpy().tolist() == [[2, 4, 3, 5, 5, 3], [2, 5, 3, 4, 3, 0]]
        assert x["segment_ids"].numpy().tolist() == [[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0]]
        ```

    Source: Devlin et al. 2019, "BERT", section 3, "Input/Output Representations".
    """

    def __init__(self, tokenizer: Any, sequence_length: int = 512):
        require_special_tokens(tokenizer, sequence_length, room_for=3)
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length

    def __call__(self, texts: Any) -> dict[str, tf.Tensor]:
        """One row for each example, padded to the longest of them.

        Args:
            texts: strings (B,), or pairs of strings (B, 2).

        Returns:
            Dict of `token_ids` and `segment_ids` int32, and `padding_mask` bool, all (B, T).
        """
        return padded(self.rows(texts), self.tokenizer.padding_token_id)

    def rows(self, texts: Any) -> dict[str, tf.RaggedTensor]:
        """The same without padding: what `tfzoo.data.bucketed_batches` takes.

        Args:
            texts: strings (B,), or pairs of strings (B, 2).

        Returns:
            Dict of `token_ids` and `segment_ids` int32, and `padding_mask` bool (True), all ragged
            (B, None).
        """
        texts = tf.convert_to_tensor(texts, tf.string)
        if texts.shape.rank == 1:
            parts = [cut(self.tokenizer.tokenize(texts), self.sequence_length - 2)]
        elif texts.shape.rank == 2 and texts.shape[1] == 2:
            parts = self._cut_pair(*(self.tokenizer.tokenize(texts[:, side]) for side in (0, 1)))
        else:
            raise ValueError(
                "`texts` must be strings of shape (B,) or pairs of them of shape (B, 2); received "
                f"shape {texts.shape}."
            )
        return between_special_tokens(self.tokenizer, parts)

    def _cut_pair(self, first, second):
        room = self.sequence_length - 3
        second = cut(second, tf.maximum(room - first.row_lengths(), room // 2))
        return cut(first, room - second.row_lengths()), second

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "sequence_length": self.sequence_length,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TextClassifierPreprocessor":
        """Restores the preprocessor."""
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(tokenizer, config["sequence_length"])
