"""What may not be written next: functions from logits to logits.

B rows, S slots, V vocabulary. `written` marks the slots of `token_ids` that hold a token.
"""

import tensorflow as tf

NEVER = -1e9


def penalize_repetition(logits, token_ids, written, penalty):
    """Makes tokens that already occur less likely: positive logits / penalty, negative * penalty.

    Args:
        logits: float (B, V).
        token_ids: int32 (B, S).
        written: bool (B, S).
        penalty: float > 0; 1 changes nothing.

    Returns:
        float (B, V).

    Source: Keskar et al. 2019, "CTRL", section 4.1.
    """
    occurs = _occurring(token_ids, written, tf.shape(logits)[1])
    penalty = tf.cast(penalty, logits.dtype)
    penalized = tf.where(logits > 0, logits / penalty, logits * penalty)
    return tf.where(occurs, penalized, logits)


def ban_repeated_ngrams(logits, token_ids, written, length):
    """Bans every token that would complete an n-gram which the row already contains.

    Args:
        logits: float (B, V).
        token_ids: int32 (B, S).
        written: bool (B, S), a run of slots without gaps.
        length: int >= 1, n.

    Returns:
        float (B, V).

    Source: Paulus et al. 2017, section 2.5.
    """
    num_slots = tf.shape(token_ids)[1]
    slots = tf.range(num_slots)
    end = tf.reduce_max(tf.where(written, slots + 1, 0), axis=1)
    # completes[b, s]: the n - 1 tokens before slot s are the last n - 1 tokens written.
    completes = written
    for back in range(1, length):
        latest = tf.gather(token_ids, tf.maximum(end - back, 0), axis=1, batch_dims=1)
        earlier = tf.roll(token_ids, back, axis=1)
        whole = tf.roll(written, back, axis=1) & (slots >= back)[None]
        completes &= whole & (earlier == latest[:, None])
    banned = _occurring(token_ids, completes, tf.shape(logits)[1])
    return tf.where(banned, tf.cast(NEVER, logits.dtype), logits)


def ban_tokens(logits, banned_token_ids):
    """Makes the tokens of the int vector `banned_token_ids` impossible."""
    ids = tf.reshape(tf.cast(banned_token_ids, tf.int32), [1, -1])
    banned = _occurring(ids, tf.ones_like(ids, tf.bool), tf.shape(logits)[1])
    return tf.where(banned, tf.cast(NEVER, logits.dtype), logits)


def keep_top_k(logits, k):
    """Keeps the k most likely tokens (and ties with the last of them); k < 1 keeps all."""

    def filtered():
        least = tf.math.top_k(logits, tf.clip_by_value(k, 1, tf.shape(logits)[1])).values[:, -1:]
        return tf.where(logits >= least, logits, tf.cast(NEVER, logits.dtype))

    return tf.cond(tf.greater_equal(k, 1), filtered, lambda: logits)


def keep_top_p(logits, p):
    """Keeps the smallest set of most likely tokens whose probabilities reach p; p = 1 keeps all.

    Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
    """

    def filtered():
        probabilities = tf.nn.softmax(logits)
        ordered = tf.sort(probabilities, direction="DESCENDING")
        before = tf.cumsum(ordered, axis=1, exclusive=True)
        least = tf.reduce_min(tf.where(before < p, ordered, 1.0), axis=1, keepdims=True)
        return tf.where(probabilities >= least, logits, tf.cast(NEVER, logits.dtype))

    return tf.cond(tf.less(p, 1.0), filtered, lambda: logits)


def keep_min_p(logits, p):
    """Keeps tokens with at least p times the probability of the most likely one.

    Source: Nguyen et al. 2024, "Min-p Sampling", section 3.
    """
    least = tf.reduce_max(logits, axis=1, keepdims=True) + tf.math.log(tf.cast(p, logits.dtype))
    return tf.where(logits >= least, logits, tf.cast(NEVER, logits.dtype))


def _occurring(token_ids, where, vocabulary_size):
    """Bool (B, V): which tokens stand in the slots of `where` (B, S)."""
    rows = tf.broadcast_to(tf.range(tf.shape(token_ids)[0])[:, None], tf.shape(token_ids))
    places = tf.stack([rows, token_ids], axis=-1)
    shape = tf.stack([tf.shape(token_ids)[0], vocabulary_size])
    return tf.scatter_nd(places, tf.cast(where, tf.int32), shape) > 0
