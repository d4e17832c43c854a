"""Texts -> rows of token ids for a masked language model, and the masks.

B texts, R packed rows, T sequence_length, P masked positions of a row.
"""

import keras
import tensorflow as tf

from tfzoo.preprocessing.row_fitting import fit_into_rows
from tfzoo.preprocessing.sentence_pairs import pieces_of, sentence_pairs
from tfzoo.preprocessing.token_masking import (
    TOKENS,
    UNITS,
    choose,
    num_masked,
    positions_of,
    replace,
    units_of,
)


@keras.saving.register_keras_serializable(package="tfzoo")
class MaskedLMPreprocessor:
    """Makes inputs out of texts, and hides some of their tokens to be guessed.

    A text with tokens `a b c` becomes `[CLS] a b c [SEP]`. `pack` cuts longer texts and fills rows
    with several short ones, which `document_ids` keep apart, so that next to no padding is
    computed; `__call__` gives each text a row of its own, cut at T. `mask` hides tokens of either.

    Args:
        tokenizer: a `WordPieceTokenizer` with `[CLS]`, `[SEP]` and `[MASK]`.
        sequence_length: int, T.
        mask_rate: float in (0, 1), share of the tokens to be guessed.
        masking: what is hidden as a whole: "tokens", "words", or "spans" of one to three words
            (n with probability proportional to 1/n).
        next_sentence: bool, `pack` makes rows of two segments, the second of which may come from
            another text, for `BertMaskedLM(next_sentence=True)`.

    Example:
        ```python
        import tfzoo

        tokenizer = tfzoo.preprocessing.WordPieceTokenizer(
            ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "to", "be", "or", "not"]
        )
        preprocessor = tfzoo.preprocessing.MaskedLMPreprocessor(tokenizer, sequence_length=10)
        rows = preprocessor.pack(["to be or", "not to be"])
        assert rows["token_ids"].numpy().tolist() == [[2, 5, 6, 7, 3, 2, 8, 5, 6, 3]]
        x, mask_ids, mask_weights = preprocessor.mask(rows, seed=(1, 2))
        assert x["mask_positions"].shape == mask_ids.shape == mask_weights.shape == (1, 2)
        ```

    Source: Devlin et al. 2019, section 3.1, Task #1; whole words as in the authors' later release;
    spans of n words as in Lan et al. 2020, "ALBERT", section 4.1.
    """

    def __init__(
        self, tokenizer, sequence_length=128, mask_rate=0.15, masking=TOKENS, next_sentence=False
    ):
        self._check(tokenizer, sequence_length, mask_rate, masking)
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.mask_rate = mask_rate
        self.masking = masking
        self.next_sentence = next_sentence
        specials = {tokenizer.token_to_id(token) for token in tokenizer.special_tokens}
        ordinary = [n for n in range(tokenizer.vocabulary_size) if n not in specials]
        with tf.init_scope():
            self._ordinary_ids = tf.constant(ordinary, tf.int32)
            self._is_special = tf.constant(
                [n in specials for n in range(tokenizer.vocabulary_size)]
            )
            self._continues_word = tf.constant(tokenizer.continues_word)

    def __call__(self, texts):
        """One row per text, cut at T and padded to the longest.

        Args:
            texts: strings (B,).

        Returns:
            Dict of `token_ids` int32 and `padding_mask` bool, (B, T).
        """
        tokens = self._framed(self.tokenizer.tokenize(texts)[:, : self.sequence_length - 2])
        return {
            "token_ids": tokens.to_tensor(self.tokenizer.padding_token_id),
            "padding_mask": tf.ones_like(tokens, tf.bool).to_tensor(),
        }

    def pack(self, texts):
        """Cuts texts into pieces of at most T tokens, and puts them together into rows.

        Args:
            texts: strings (B,).

        Returns:
            Dict of `token_ids` and `document_ids` int32 (R, T); 0 = padding, in `document_ids`.
            With `next_sentence` a pair in each row: `token_ids` and `segment_ids` int32 and
            `padding_mask` bool (R, T), and `next_sentence` int32 (R,), 0 where the second segment
            follows the first.
        """
        tokens = self.tokenizer.tokenize(texts)
        if self.next_sentence:
            return self._pairs(tokens)
        pieces = self._framed(pieces_of(tokens, self.sequence_length - 2))
        lengths = pieces.row_lengths()
        row_of = tf.numpy_function(
            lambda lengths: fit_into_rows(lengths, self.sequence_length), [lengths], tf.int64
        )
        row_of = tf.ensure_shape(row_of, [None])
        order = tf.argsort(row_of, stable=True)
        pieces, lengths = tf.gather(pieces, order), tf.gather(lengths, order)
        row_lengths = tf.math.segment_sum(lengths, tf.gather(row_of, order))
        numbers = tf.cast(pieces.value_rowids(), tf.int32) + 1

        def rows(flat, padding):
            ragged = tf.RaggedTensor.from_row_lengths(flat, row_lengths, validate=False)
            return ragged.to_tensor(padding, shape=[None, self.sequence_length])

        return {
            "token_ids": rows(pieces.values, self.tokenizer.padding_token_id),
            "document_ids": rows(numbers, 0),
        }

    def mask(self, x, seed):
        """Hides tokens, other ones for every seed and row; never special ones.

        Args:
            x: dict with `token_ids` int32 (B, T), and `padding_mask` or `document_ids`.
            seed: int (2,); the same seed hides the same tokens.

        Returns:
            `(x, mask_ids, mask_weights)`: x with other `token_ids` and with `mask_positions` int32
            (B, P); the hidden tokens int32 (B, P); float32 (B, P), 0 where a row has fewer than P.
            P is `mask_rate * T`, rounded up. Of a row with `next_sentence`, the second is a dict of
            `mask_ids` and `next_sentence`, and the third one of their weights.
        """
        token_ids = x["token_ids"]
        real = x["document_ids"] > 0 if "document_ids" in x else x["padding_mask"]
        candidates = real & ~tf.gather(self._is_special, token_ids)
        max_masked = num_masked(self.mask_rate, token_ids.shape[1] or self.sequence_length)
        if token_ids.shape[1] is None:
            max_masked = tf.minimum(max_masked, tf.shape(token_ids)[1])
        unit_seed, choice_seed, token_seed = tf.unstack(tf.random.split(seed, 3, alg="philox"))

        continues = tf.gather(self._continues_word, token_ids)
        units = units_of(candidates, continues, self.masking, unit_seed)
        chosen = choose(candidates, units, self.mask_rate, max_masked, choice_seed)
        positions, weights = positions_of(chosen, max_masked)
        mask_ids = tf.gather(token_ids, positions, batch_dims=1)
        hidden = replace(
            token_ids, chosen, self.tokenizer.mask_token_id, self._ordinary_ids, token_seed
        )
        x = {**x, "token_ids": hidden, "mask_positions": positions}
        if "next_sentence" not in x:
            return x, mask_ids, weights
        labels = x.pop("next_sentence")
        every_row = tf.ones_like(labels, tf.float32)
        return (
            x,
            {"mask_ids": mask_ids, "next_sentence": labels},
            {"mask_ids": weights, "next_sentence": every_row},
        )

    def _pairs(self, tokens):
        """Rows `[CLS] first [SEP] second [SEP]`."""
        first, second, labels = sentence_pairs(tokens, self.sequence_length - 3)
        first = self._framed(first)
        second = self._framed(second)[:, 1:]
        segments = tf.concat([tf.zeros_like(first), tf.ones_like(second)], axis=1)
        shape = [None, self.sequence_length]
        token_ids = tf.concat([first, second], axis=1)
        return {
            "token_ids": token_ids.to_tensor(self.tokenizer.padding_token_id, shape=shape),
            "segment_ids": segments.to_tensor(shape=shape),
            "padding_mask": tf.ones_like(segments, tf.bool).to_tensor(shape=shape),
            "next_sentence": labels,
        }

    def _framed(self, tokens):
        """Ragged (B, None) between [CLS] and [SEP]."""

        def column(token_id):
            return tf.fill([tokens.nrows(), 1], tf.constant(token_id, tf.int32))

        start, end = self.tokenizer.start_token_id, self.tokenizer.end_token_id
        return tf.concat([column(start), tokens, column(end)], axis=1)

    def _check(self, tokenizer, sequence_length, mask_rate, masking):
        for token_id, name in {"start": "[CLS]", "end": "[SEP]", "mask": "[MASK]"}.items():
            if getattr(tokenizer, f"{token_id}_token_id", None) is None:
                raise ValueError(
                    f"`tokenizer` must have the token {name} for a masked language model; received "
                    f"a {type(tokenizer).__name__} whose vocabulary lacks it."
                )
        if sequence_length < 3:
            raise ValueError(
                "`sequence_length` must be at least 3, a token between [CLS] and [SEP]; received "
                f"{sequence_length}."
            )
        if not 0 < mask_rate < 1:
            raise ValueError(f"`mask_rate` must be between 0 and 1; received {mask_rate}.")
        if masking not in UNITS:
            raise ValueError(
                f"`masking` must be one of {', '.join(map(repr, UNITS))}; received {masking!r}."
            )

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "sequence_length": self.sequence_length,
            "mask_rate": self.mask_rate,
            "masking": self.masking,
            "next_sentence": self.next_sentence,
        }

    @classmethod
    def from_config(cls, config):
        """Restores the preprocessor."""
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(**{**config, "tokenizer": tokenizer})
