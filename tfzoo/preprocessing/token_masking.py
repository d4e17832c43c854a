"""Which tokens a masked language model has to guess, drawn anew each time, in the graph.

B rows, T length of a row, P masked positions, U units: what is masked as a whole.
"""

import math

import tensorflow as tf

TOKENS, WORDS, SPANS = UNITS = ("tokens", "words", "spans")
# Probabilities of spans of 1, 2 and 3 words, as 1 / n.
SPAN_LENGTHS = (6 / 11, 3 / 11, 2 / 11)
# Passes over the units: each finds what still fits behind one that did not.
NUM_PASSES = 4


def num_masked(mask_rate: float, length: int) -> int:
    """P, the most positions that are masked in a row of `length` tokens."""
    return max(1, math.ceil(mask_rate * length))


def units_of(candidates, continues_word, unit, seed):
    """Numbers what is masked as a whole: tokens, words, or spans of one to three words.

    Args:
        candidates: bool (B, T), tokens that may be masked.
        continues_word: bool (B, T), pieces inside a word.
        unit: one of `UNITS`.
        seed: int (2,).

    Returns:
        int32 (B, T), from 0 in each row, meaningful where `candidates` is True.
    """
    if unit == TOKENS:
        return _number(candidates)
    follows = tf.pad(candidates[:, :-1], [[0, 0], [1, 0]])
    words = _number(candidates & ~(continues_word & follows))
    if unit == WORDS:
        return words
    # Cut the words of a row into spans of random lengths.
    shape = tf.shape(words)
    draws = tf.random.stateless_uniform(shape, seed, alg="philox")
    lengths = 1 + tf.add_n(
        [tf.cast(draws >= sum(SPAN_LENGTHS[:n]), tf.int32) for n in range(1, len(SPAN_LENGTHS))]
    )
    spans = tf.searchsorted(tf.cumsum(lengths, axis=1), words, side="right")
    before = tf.pad(spans[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    # No span reaches over a special token, where another text may begin.
    return _number(candidates & ((spans != before) | ~follows))


def choose(candidates, units, mask_rate, max_masked, seed):
    """Draws whole units until their tokens are the given share of the candidates.

    Args:
        candidates: bool (B, T).
        units: int32 (B, T), of `units_of`.
        mask_rate: float in (0, 1), share of the candidates, rounded, at least one token.
        max_masked: int, P.
        seed: int (2,).

    Returns:
        bool (B, T). Units that do not fit into the share are passed over, as in the paper's code.
    """
    shape = tf.shape(candidates)
    count = tf.cast(candidates, tf.int32)
    rows = tf.broadcast_to(tf.range(shape[0])[:, None], shape)
    sizes = tf.scatter_nd(tf.stack([rows, tf.maximum(units, 0)], axis=-1), count, shape)
    scores = tf.random.stateless_uniform(shape, seed, alg="philox")
    order = tf.argsort(scores, axis=1)
    sizes = tf.gather(sizes, order, batch_dims=1)

    share = tf.round(mask_rate * tf.cast(tf.reduce_sum(count, axis=1, keepdims=True), tf.float32))
    budget = tf.clip_by_value(tf.cast(share, tf.int32), 1, max_masked)
    chosen = tf.zeros(shape, tf.bool)
    for _ in range(NUM_PASSES):
        fits = ~chosen & (sizes > 0) & (sizes <= budget)
        added = fits & (tf.cumsum(tf.where(fits, sizes, 0), axis=1) <= budget)
        budget -= tf.reduce_sum(tf.where(added, sizes, 0), axis=1, keepdims=True)
        chosen |= added
    place_of_unit = tf.argsort(order, axis=1)
    places = tf.gather(place_of_unit, tf.maximum(units, 0), batch_dims=1)
    return candidates & tf.gather(chosen, places, batch_dims=1)


def positions_of(chosen, max_masked):
    """Lists where a row is True, from the left.

    Args:
        chosen: bool (B, T).
        max_masked: int or scalar tensor, P.

    Returns:
        `(positions, weights)`: int32 (B, P), 0 where a row has fewer; float32 (B, P), 1 or 0.
    """
    length = tf.shape(chosen)[1]
    from_right = tf.where(chosen, length - tf.range(length), 0)
    found = tf.math.top_k(from_right, max_masked).values
    is_real = found > 0
    return tf.where(is_real, length - found, 0), tf.cast(is_real, tf.float32)


def replace(token_ids, chosen, mask_token_id, ordinary_ids, seed):
    """Hides the chosen tokens: 80 % become the mask, 10 % another token, 10 % stay.

    Args:
        token_ids: int32 (B, T).
        chosen: bool (B, T).
        mask_token_id: int.
        ordinary_ids: int32 (N,), what a random replacement is drawn from.
        seed: int (2,).

    Returns:
        int32 (B, T).
    """
    shape = tf.shape(token_ids)
    fate_seed, token_seed = tf.unstack(tf.random.split(seed, 2, alg="philox"))
    fate = tf.random.stateless_uniform(shape, fate_seed, alg="philox")
    drawn = tf.random.stateless_uniform(
        shape, token_seed, 0, tf.size(ordinary_ids), tf.int32, alg="philox"
    )
    replaced = tf.where(fate < 0.9, tf.gather(ordinary_ids, drawn), token_ids)
    replaced = tf.where(fate < 0.8, mask_token_id, replaced)
    return tf.where(chosen, replaced, token_ids)


def _number(begins):
    return tf.cumsum(tf.cast(begins, tf.int32), axis=1) - 1
