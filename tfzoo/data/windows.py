"""Random windows of one long sequence: the rows of a language model without documents."""

import numpy as np
import tensorflow as tf


def random_windows(
    token_ids: np.ndarray, length: int, batch_size: int, *, seed: int = 0
) -> tf.data.Dataset:
    """Batches of windows that start anywhere in a sequence, with the next tokens as targets.

    Batch `n` depends on the seed and `n` alone, as in `shuffled_batches`: `skip(n)` goes on where a
    run stopped.

    Args:
        token_ids: Integer array (N,), the whole sequence.
        length: T, tokens per window, below N.
        batch_size: B, at least 1.
        seed: Integer. Another seed is other windows.

    Returns:
        An endless `tf.data.Dataset` of `({"token_ids": (B, T)}, targets (B, T))`, both int32. It is
        not autotuned, for the reason given in `shuffled_batches`.

    Raises:
        ValueError: A number is out of range.

    Example:
        >>> x, targets = next(iter(random_windows(np.arange(50), length=3, batch_size=2)))
        >>> (targets - x["token_ids"]).numpy().tolist()
        [[1, 1, 1], [1, 1, 1]]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
    if not 0 < length < len(token_ids):
        raise ValueError(
            f"length must be at least 1 and below the {len(token_ids)} tokens of the sequence, got "
            f"{length}."
        )
    with tf.device("CPU:0"):
        sequence = tf.constant(token_ids, tf.int32)

    def batch(step):
        starts = tf.random.stateless_uniform(
            [batch_size], tf.stack([seed, step]), 0, len(token_ids) - length, tf.int64
        )
        windows = tf.gather(sequence, starts[:, None] + tf.range(length + 1, dtype=tf.int64))
        return {"token_ids": windows[:, :-1]}, windows[:, 1:]

    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.counter().map(batch).with_options(options)
