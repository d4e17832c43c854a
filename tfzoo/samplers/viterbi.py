"""The best sequence of tags, when not every tag may follow every other.

B sentences, W words, C tags.
"""

from typing import Any

import numpy as np
import tensorflow as tf

# Finite, so that differences of impossible sequences are no NaN.
_IMPOSSIBLE = -1e9


def viterbi(log_probs: Any, num_words: Any, may_follow: Any) -> tf.Tensor:
    """Finds the tags with the largest sum of log-probabilities among the allowed sequences.

    Args:
        log_probs: float (B, W, C), of each tag at each word; words behind `num_words` may hold
            anything.
        num_words: int (B,), the words of each sentence, 0 to W.
        may_follow: bool (C, C), `[i, j]` says whether tag j may follow tag i. What may follow tag 0
            may begin a sentence.

    Returns:
        int32 (B, W), 0 behind `num_words`.

    Example:
        >>> log_probs = np.log([[[0.3, 0.2, 0.5], [0.1, 0.2, 0.7]]])
        >>> viterbi(log_probs, [2], bio_transitions(1)).numpy().tolist()  # O B I; I may not begin
        [[1, 2]]

    Source: Viterbi 1967; Forney 1973, "The Viterbi Algorithm".
    """
    log_probs = tf.convert_to_tensor(log_probs)
    log_probs = tf.cast(log_probs, tf.float32)
    num_tags = tf.shape(log_probs)[2]
    cost = tf.where(may_follow, 0.0, _IMPOSSIBLE)
    real = tf.sequence_mask(num_words, tf.shape(log_probs)[1])
    stay = tf.zeros([tf.shape(log_probs)[0], 1], tf.int32) + tf.range(num_tags)

    def forward(state, word):
        """The best way to each tag of a word, and the tag before it on that way."""
        scores, is_real = word
        ways = state[0][:, :, None] + cost
        best = tf.reduce_max(ways, axis=1) + scores
        before = tf.argmax(ways, axis=1, output_type=tf.int32)
        keep = is_real[:, None]
        return tf.where(keep, best, state[0]), tf.where(keep, before, stay)

    def backward(tag, before):
        return tf.gather(before, tag, batch_dims=1)

    # As if tag 0 stood in front. One word that is none: a loop must not be empty.
    start = tf.where(tf.range(num_tags) == 0, 0.0, _IMPOSSIBLE) + tf.zeros_like(stay, tf.float32)
    words = tf.pad(tf.transpose(log_probs, [1, 0, 2]), [[0, 1], [0, 0], [0, 0]])
    is_real = tf.pad(tf.transpose(real), [[0, 1], [0, 0]])
    best, before = tf.scan(forward, (words, is_real), (start, stay))
    last = tf.argmax(best[-1], axis=1, output_type=tf.int32)
    # Behind the end of its sentence every tag is its own predecessor: the last one is handed on.
    tags = tf.scan(backward, before, last, reverse=True)
    tags = tf.transpose(tf.concat([tags[1:], last[None]], axis=0))[:, :-1]
    return tf.where(real, tags, 0)


def bio_transitions(num_names: int) -> np.ndarray:
    """Which tag may follow which, when entities are tagged BIO.

    Args:
        num_names: number of entity names, N. Tag 0 is `O`, `2 n + 1` is `B-` and `2 n + 2` is `I-`
            of name n.

    Returns:
        bool (2 N + 1, 2 N + 1): everything, but `I-` only behind `B-` or `I-` of its own name.
    """
    tags = np.arange(2 * num_names + 1)
    is_inside = (tags > 0) & (tags % 2 == 0)
    same_name = (tags[:, None] + 1) // 2 == (tags[None, :] + 1) // 2
    return ~is_inside[None, :] | same_name
