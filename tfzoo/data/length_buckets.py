"""Batches of rows of about one length, so that padding is hardly computed.

N rows, B batch_size, T length of a batch.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from tfzoo.data.batches import shuffled_indices, without_autotuning

# Rows are sorted within this many batches: enough for rows of one length to meet, few enough for
# the order of an epoch to stay random.
BATCHES_PER_POOL = 64


def bucketed_batches(
    rows: Any,
    batch_size: int,
    *,
    seed: int = 0,
    epochs: int | None = None,
    start: int = 0,
    multiple: int = 8,
) -> tf.data.Dataset:
    """Batches for training, each padded no further than its own rows need.

    Every epoch draws an order of its own, sorts each 64 batches of it by length, cuts it into
    batches and shuffles these. Every row comes exactly once in an epoch; where B does not divide N
    one batch of the epoch has fewer rows. A batch is as long as its longest row, rounded up to
    `multiple` (but never longer than the longest row of all), so that there are only a few
    different shapes to compile.

    Let one dataset serve the whole run, `fit(dataset, steps_per_epoch=-(-N // B), epochs=...)`: a
    dataset that `fit` starts anew for each epoch starts with the same order again.

    Args:
        rows: A `tf.RaggedTensor` (N, None), or a dictionary or tuple with at least one of them,
            also nested; all are padded to one length with zeros, False or "". Arrays and dense
            tensors among them, one entry for each row, are only divided into batches.
        batch_size: B, the rows of a batch over all replicas, at least 1.
        seed: Integer. Another seed is another order.
        epochs: How often to go through the rows, counted from step 0; None for ever.
        start: The first step, from 0: batches do not depend on where a run began.
        multiple: The length of a batch is a multiple of this number.

    Returns:
        A `tf.data.Dataset` with the structure of `rows`, shapes (B, T) that differ from batch to
        batch, and a known cardinality: epochs * ceil(N / B) - start, or infinite.

    Raises:
        ValueError: There is no ragged tensor or no row, lengths differ, or a number is below 1.

    Example:
        >>> rows = tf.ragged.constant([[1], [2, 2, 2], [3], [4, 4, 4]])
        >>> sorted(len(batch[0]) for batch in bucketed_batches(rows, 2, epochs=1, multiple=1))
        [1, 3]
    """
    rows, lengths = _checked(rows, batch_size, multiple)
    num_rows = len(lengths)
    steps_per_epoch = -(-num_rows // batch_size)
    if start < 0 or (epochs is not None and start >= epochs * steps_per_epoch):
        raise ValueError(
            f"epochs={epochs} of {steps_per_epoch} batches have no step start={start}: take more "
            "epochs or another start."
        )

    def epoch_indices(epoch):
        order, batch_order = _epoch_order(epoch, lengths, batch_size, seed)
        firsts = tf.data.Dataset.from_tensor_slices(batch_order * batch_size)
        return firsts.map(lambda first: order[first : first + batch_size])

    first_epoch, skipped = divmod(start, steps_per_epoch)
    indices = tf.data.Dataset.range(first_epoch, 2**62 if epochs is None else epochs)
    indices = indices.flat_map(epoch_indices).skip(skipped)
    size = tf.data.INFINITE_CARDINALITY if epochs is None else epochs * steps_per_epoch - start
    return _gathered(rows, indices.apply(tf.data.experimental.assert_cardinality(size)), multiple)


def sorted_batches(
    rows: Any, batch_size: int, *, multiple: int = 8
) -> tuple[tf.data.Dataset, np.ndarray]:
    """Batches for evaluation and prediction: every row exactly once, the longest first.

    Args:
        rows: As in `bucketed_batches`.
        batch_size: B, the rows of a batch over all replicas, at least 1.
        multiple: The length of a batch is a multiple of this number.

    Returns:
        `(dataset, order)`: row n of the batches, counted through, is row `order[n]` of `rows`. So
        `results[np.argsort(order)]` puts results into the order of the rows.

    Raises:
        ValueError: As in `bucketed_batches`.

    Example:
        >>> rows = tf.ragged.constant([[1], [2, 2, 2], [3, 3]])
        >>> dataset, order = sorted_batches(rows, 2, multiple=1)
        >>> [batch.numpy().tolist() for batch in dataset], order.tolist()
        ([[[2, 2, 2], [3, 3, 0]], [[1]]], [1, 2, 0])
    """
    rows, lengths = _checked(rows, batch_size, multiple)
    order = np.argsort(-lengths, kind="stable")
    indices = tf.data.Dataset.from_tensor_slices(order).batch(batch_size)
    return _gathered(rows, indices, multiple), order


def _epoch_order(epoch, lengths, batch_size, seed):
    """The rows of an epoch, and the order of the batches that they are cut into."""
    num_rows = len(lengths)
    order = shuffled_indices(epoch, num_rows, num_rows, seed)
    pools = tf.range(num_rows, dtype=tf.int64) // (BATCHES_PER_POOL * batch_size)
    by_pool_and_length = pools * (int(lengths.max()) + 1) + tf.gather(lengths, order)
    num_batches = -(-num_rows // batch_size)
    return (
        tf.gather(order, tf.argsort(by_pool_and_length, stable=True)),
        shuffled_indices(epoch, num_batches, num_batches, seed),
    )


def _gathered(rows, indices, multiple):
    longest = max(_row_length(part) for part in tf.nest.flatten(rows) if _is_ragged(part))

    def batch(picked):
        parts = tf.nest.map_structure(lambda part: tf.gather(part, picked), rows)
        lengths = [_row_length(part) for part in tf.nest.flatten(parts) if _is_ragged(part)]
        length = tf.minimum(-(-tf.reduce_max(lengths) // multiple) * multiple, longest)
        shape = tf.stack([-1, length])
        return tf.nest.map_structure(
            lambda part: part.to_tensor(shape=shape) if _is_ragged(part) else part, parts
        )

    return without_autotuning(indices.map(batch))


def _is_ragged(part):
    return isinstance(part, tf.RaggedTensor)


def _row_length(part):
    return tf.reduce_max(part.row_lengths())


def _checked(rows, batch_size, multiple):
    """The rows as tensors on the CPU, and the length of each."""
    for name, value in {"batch_size": batch_size, "multiple": multiple}.items():
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")
    with tf.device("CPU:0"):
        rows = tf.nest.map_structure(
            lambda part: part if _is_ragged(part) else tf.convert_to_tensor(part), rows
        )
    parts = tf.nest.flatten(rows)
    if not any(map(_is_ragged, parts)):
        raise ValueError(
            "rows must hold at least one tf.RaggedTensor, whose rows say how long they are, got "
            "dense arrays only: use shuffled_batches for rows of one length."
        )
    found = {int(part.shape[0] or part.nrows()) for part in parts}
    if len(found) != 1 or 0 in found:
        numbers = ", ".join(map(str, sorted(found)))
        raise ValueError(f"rows must have one number of rows of at least 1, got {numbers}.")
    lengths = [part.row_lengths().numpy() for part in parts if _is_ragged(part)]
    return rows, np.max(lengths, axis=0)
