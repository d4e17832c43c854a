"""Texts -> rows of token ids for a causal language model, in the graph.

B texts, R packed rows, T sequence_length, P prompt length.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class CausalLMPreprocessor:
    """Makes inputs, next-token targets and weights out of texts.

    A text with tokens `a b c` becomes the inputs `<start> a b c` and the targets `a b c <end>`:
    every token is predicted once, the first one from the start token alone. A tokenizer without
    special tokens leaves `a b` and `b c`.

    Two layouts. `pack` puts the texts one after another into rows without any padding between them;
    `document_ids` keep them apart. `__call__` gives each text a row of its own, cut at T. Packing
    is what `fit` and `evaluate` use: on texts of uneven length most of the second layout is
    padding.

    Args:
        tokenizer: a `Tokenizer`.
        sequence_length: int, T.

    Example:
        ```python
        from tfzoo.preprocessing import ByteTokenizer, CausalLMPreprocessor

        preprocessor = CausalLMPreprocessor(ByteTokenizer(), sequence_length=4)
        x, targets, weights = preprocessor.pack(["ab", "cde"])
        assert x["document_ids"].numpy().tolist() == [[1, 1, 1, 2], [2, 2, 2, 0]]
        assert weights.numpy().tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
        ```
    """

    def __init__(self, tokenizer, sequence_length=1024):
        if sequence_length < 1:
            raise ValueError(f"`sequence_length` must be at least 1; received {sequence_length}.")
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length

    def __call__(self, texts):
        """One row per text, cut or padded to T.

        Args:
            texts: strings (B,).

        Returns:
            `(x, targets, weights)`: x a dict of `token_ids` int32 and `padding_mask` bool, targets
            int32, weights float32 with 0 for padding; all (B, T).
        """
        inputs, targets = self.shift(texts)
        shape = [None, self.sequence_length]
        padding_mask = tf.ones_like(inputs, tf.bool).to_tensor(shape=shape)
        x = {"token_ids": inputs.to_tensor(shape=shape), "padding_mask": padding_mask}
        return x, targets.to_tensor(shape=shape), tf.cast(padding_mask, tf.float32)

    def pack(self, texts):
        """Fills rows with one text after another; a text that does not fit goes on in the next row.

        Args:
            texts: strings (B,).

        Returns:
            `(x, targets, weights)`: x a dict of `token_ids` and `document_ids` int32 (0 = padding,
            only at the end of the last row), targets int32, weights float32; all (R, T).
        """
        inputs, targets = self.shift(texts)
        document_ids = tf.cast(inputs.value_rowids(), tf.int32) + 1

        def rows(flat):
            missing = -tf.size(flat) % self.sequence_length
            return tf.reshape(tf.pad(flat, [[0, missing]]), [-1, self.sequence_length])

        x = {"token_ids": rows(inputs.values), "document_ids": rows(document_ids)}
        weights = tf.cast(x["document_ids"] > 0, tf.float32)
        return x, rows(targets.values), weights

    def prompts(self, texts, length=None):
        """Prompts for generation, padded on the left so that all end in the same column.

        Args:
            texts: strings (B,).
            length: optional int or scalar tensor, P; by default that of the longest prompt.

        Returns:
            Dict of `token_ids` int32 and `padding_mask` bool, both (B, P).

        Raises:
            tf.errors.InvalidArgumentError: if a prompt is longer than `length`.
        """
        tokens = self.tokenizer.tokenize(texts)
        if self.tokenizer.start_token_id is not None:
            tokens = tf.concat([self._column(tokens, self.tokenizer.start_token_id), tokens], 1)
        lengths = tokens.row_lengths()
        longest = tf.reduce_max(lengths)
        length = longest if length is None else tf.cast(length, tf.int64)
        tf.debugging.assert_greater_equal(
            length, longest, "`length` must be at least that of the longest prompt in tokens."
        )
        padding = length - lengths
        blanks = tf.RaggedTensor.from_row_lengths(
            tf.zeros([tf.reduce_sum(padding)], tf.int32), padding
        )
        token_ids = tf.concat([blanks, tokens], axis=1).to_tensor()
        return {"token_ids": token_ids, "padding_mask": tf.range(length)[None] >= padding[:, None]}

    def shift(self, texts):
        """Ragged inputs and targets, of equal row lengths."""
        tokens = self.tokenizer.tokenize(texts)
        parts = [tokens]
        if self.tokenizer.start_token_id is not None:
            parts.insert(0, self._column(tokens, self.tokenizer.start_token_id))
        if self.tokenizer.end_token_id is not None:
            parts.append(self._column(tokens, self.tokenizer.end_token_id))
        whole = tf.concat(parts, axis=1)
        return whole[:, :-1], whole[:, 1:]

    @staticmethod
    def _column(tokens, token_id):
        return tf.fill([tokens.nrows(), 1], tf.constant(token_id, tf.int32))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "sequence_length": self.sequence_length,
        }

    @classmethod
    def from_config(cls, config):
        """Restores the preprocessor."""
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(tokenizer, config["sequence_length"])
