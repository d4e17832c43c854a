"""What a masked language model does with texts: fill their gaps, and say how likely they are.

B texts, T length of the longest in tokens, M masks of a text, N tokens of all texts, V vocabulary.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfzoo.models.text_batches import as_strings
from tfzoo.preprocessing.token_masking import positions_of
from tfzoo.preprocessing.word_piece_graph import NOT_UTF8

# Rows of a pass over the network, whatever the number of texts.
ROWS_PER_PASS = 64


class Filling(NamedTuple):
    """A token that may stand where a mask is.

    Attributes:
        token: its name in the vocabulary.
        probability: float in [0, 1].
        text: the text with the token in place of this mask.
    """

    token: str
    probability: float
    text: str


class PseudoScore(NamedTuple):
    """What `score` returns for one text.

    Attributes:
        tokens: list of the names of its tokens.
        log_likelihoods: float32 array, `log p(token | all tokens around it)` in nats.
    """

    tokens: list
    log_likelihoods: np.ndarray


def fill_mask(self, texts, top_k=5):
    """Fills the gaps of texts: `"The capital of France is [MASK]."`.

    Args:
        texts: a string, or a list of strings, each with one `[MASK]` or more.
        top_k: int >= 1, how many tokens to return for each mask.

    Returns:
        For a string with one mask a list of `Filling`, the likeliest first; for one with several
        masks a list of such lists, each mask being filled by itself; for a list a list of these.

    Raises:
        ValueError: if a text has no mask, or is so long that a mask is cut off.
    """
    name = self._attached().tokenizer.id_to_token(self.preprocessor.tokenizer.mask_token_id)
    texts_list = _strings(texts)
    if top_k < 1:
        raise ValueError(f"`top_k` must be 1 or more; received {top_k}.")
    function = self.graph(
        "fill_mask", lambda: tf.function(self.fill_mask_in_graph, reduce_retracing=True)
    )
    found = function(as_strings(texts_list), tf.constant(top_k))
    names, probabilities, counts = (found[n].numpy() for n in ("tokens", "probabilities", "count"))
    filled = []
    for number, text in enumerate(texts_list):
        pieces = text.split(name)
        if counts[number] != len(pieces) - 1 or len(pieces) == 1:
            raise ValueError(
                f"Each of `texts` must have a {name} within its first "
                f"{self.preprocessor.sequence_length - 2} tokens, and none behind; received "
                f"{text!r:.200}."
            )
        masks = []
        for mask in range(len(pieces) - 1):
            start, end = name.join(pieces[: mask + 1]), name.join(pieces[mask + 1 :])
            masks.append(
                [
                    Filling(token, float(p), start + token.removeprefix("##") + end)
                    for token, p in zip(
                        (t.decode() for t in names[number, mask]),
                        probabilities[number, mask],
                        strict=True,
                    )
                ]
            )
        filled.append(masks[0] if len(masks) == 1 else masks)
    return filled[0] if isinstance(texts, (str, bytes)) else filled


def score(self, texts):
    """Says how likely each token of texts is, given all the others: the pseudo-log-likelihood.

    Every token is hidden once, in a row of its own. Texts are cut at the preprocessor's length.

    Args:
        texts: a string, or a list of strings.

    Returns:
        A `PseudoScore`, or a list of them.

    Source: Salazar et al. 2020, "Masked Language Model Scoring", section 2.
    """
    texts_list = _strings(texts)
    self._attached()
    function = self.graph("score", lambda: tf.function(self.score_in_graph, reduce_retracing=True))
    found = function(as_strings(texts_list))
    names = self.preprocessor.tokenizer.id_to_token
    scores = [
        PseudoScore([names(i) for i in ids[:count]], numbers[:count])
        for ids, numbers, count in zip(
            found["token_ids"].numpy(),
            found["token_log_likelihoods"].numpy(),
            found["num_tokens"].numpy(),
            strict=True,
        )
    ]
    return scores[0] if isinstance(texts, (str, bytes)) else scores


def fill_mask_in_graph(self, texts, top_k):
    """Texts (B,) and a scalar k to `tokens` and `probabilities` (B, M, k) and `count` (B,)."""
    tokenizer = self.preprocessor.tokenizer
    inputs = self.preprocessor(texts)
    is_mask = (inputs["token_ids"] == tokenizer.mask_token_id) & inputs["padding_mask"]
    count = tf.reduce_sum(tf.cast(is_mask, tf.int32), axis=1)
    positions, real = positions_of(is_mask, tf.reduce_max(tf.concat([[0], count], axis=0)))
    logits = self.token_logits({**inputs, "mask_positions": positions})
    probabilities = tf.nn.softmax(tf.cast(logits, tf.float32))
    found, ids = tf.math.top_k(probabilities, tf.minimum(top_k, tf.shape(logits)[-1]))
    is_real = real[..., None] > 0
    return {
        "tokens": tf.where(is_real, tf.gather(self.token_names(), ids), ""),
        "probabilities": tf.where(is_real, found, 0.0),
        "count": count,
    }


def score_in_graph(self, texts):
    """Texts (B,) to their tokens, (B, T), and the log-likelihood of each given all others."""
    tokenizer = self.preprocessor.tokenizer
    inputs = self.preprocessor(texts)
    token_ids, padding_mask = inputs["token_ids"], inputs["padding_mask"]
    lengths = tf.reduce_sum(tf.cast(padding_mask, tf.int32), axis=1)
    place = tf.range(tf.shape(token_ids)[1])
    ordinary = (place > 0) & (place < lengths[:, None] - 1)
    tokens = tf.cast(tf.where(ordinary), tf.int32)  # (N, 2), row and column
    num_passes = -(-tf.shape(tokens)[0] // ROWS_PER_PASS)
    missing = num_passes * ROWS_PER_PASS - tf.shape(tokens)[0]
    passes = tf.reshape(tf.pad(tokens, [[0, missing], [0, 0]]), [-1, ROWS_PER_PASS, 2])

    def log_likelihoods(places):
        rows, columns = tf.unstack(places, axis=1)
        ids = tf.gather(token_ids, rows)
        hidden = tf.where(place == columns[:, None], tokenizer.mask_token_id, ids)
        x = {
            "token_ids": hidden,
            "padding_mask": tf.gather(padding_mask, rows),
            "mask_positions": columns[:, None],
        }
        log_probs = tf.nn.log_softmax(tf.cast(self.token_logits(x)[:, 0], tf.float32))
        targets = tf.gather(ids, columns, batch_dims=1)
        return tf.gather(log_probs, targets, batch_dims=1)

    found = tf.map_fn(log_likelihoods, passes, fn_output_signature=tf.float32)
    found = tf.reshape(found, [-1])[: tf.shape(tokens)[0]]
    numbers = tf.scatter_nd(tokens, found, tf.shape(token_ids))
    return {
        "log_likelihood": tf.reduce_sum(numbers, axis=1),
        "num_tokens": tf.maximum(lengths - 2, 0),
        "token_ids": tf.where(ordinary, token_ids, 0)[:, 1:-1],
        "token_log_likelihoods": numbers[:, 1:-1],
    }


def _strings(texts):
    found = as_strings(texts).numpy()
    if not len(found):
        raise ValueError("`texts` must hold at least one text; received none.")
    try:
        return [text.decode() for text in found]
    except UnicodeDecodeError as error:
        raise ValueError(NOT_UTF8) from error
