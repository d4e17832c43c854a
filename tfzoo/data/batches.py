"""Batches from arrays in memory, in an order that is a function of the seed and the step."""

from typing import Any

import numpy as np
import tensorflow as tf

# Below 8, or with keys that are not hashed, the orders of different epochs resemble each other.
_ROUNDS = 12
_KEY_WORDS = 3
_FOR_EVER = 2**62


def shuffled_indices(step, batch_size: int, num_rows: int, seed: int = 0) -> tf.Tensor:
    """The rows of one step, when each epoch goes through all rows in an order of its own.

    Row after row is drawn without replacement until none is left, then from a new permutation: a
    batch may end one epoch and begin the next. Nothing is remembered from step to step.

    Args:
        step: Integer or integer tensor from 0, counted over all epochs.
        batch_size: B, at least 1.
        num_rows: Number N of rows, at least 1.
        seed: Integer. Another seed is another order.

    Returns:
        int64 tensor (B,) with values in [0, N).

    Example:
        >>> both = [shuffled_indices(step, batch_size=3, num_rows=6) for step in (0, 1)]
        >>> sorted(int(row) for rows in both for row in rows)
        [0, 1, 2, 3, 4, 5]
    """
    position = tf.cast(step, tf.int64) * batch_size + tf.range(batch_size, dtype=tf.int64)
    epoch = tf.strings.as_string(position // num_rows)
    key = [
        tf.strings.to_hash_bucket_strong(epoch, 2**31, key=[seed & (2**63 - 1), word])
        for word in range(_KEY_WORDS)
    ]
    # The raw operation: tf.random.experimental.index_shuffle takes no matrix of seeds.
    return tf.raw_ops.RandomIndexShuffle(
        index=position % num_rows,
        seed=tf.stack(key, axis=1),
        max_index=tf.constant(num_rows - 1, tf.int64),
        rounds=_ROUNDS,
    )


def shuffled_batches(
    arrays: Any, batch_size: int, *, seed: int = 0, epochs: int | None = None, start: int = 0
) -> tf.data.Dataset:
    """Batches for training: all of one shape, in a random order that can be continued.

    Batch `n` depends on the seed and `n` alone, so `skip(n)` goes on exactly where a run stopped
    after `n` steps, and `start=n` does so without drawing the batches before. Every row comes once
    in an epoch, in an order of its own. Rows that do not fill a batch at the end of an epoch open
    the first batch of the next one; only at the very end are fewer than B rows left out.

    Let one dataset serve the whole run, `fit(dataset, steps_per_epoch=..., epochs=...)`: a dataset
    that `fit` starts anew for each epoch starts with the same order again.

    Args:
        arrays: A NumPy array or tensor, or a dictionary or tuple of them, also nested: anything
            of equal length N along axis 0. They stay in memory once, on the CPU.
        batch_size: B, the rows of a batch over all replicas, at least 1.
        seed: Integer. Another seed is another order.
        epochs: How often to go through the rows, counted from step 0; None for ever.
        start: The first step, from 0.

    Returns:
        A `tf.data.Dataset` with the structure of `arrays`, static shapes (B, ...), and a known
        cardinality: floor(epochs * N / B) - start, or infinite. It is not autotuned, which would
        cost up to seconds whenever an iterator is deleted.

    Raises:
        TypeError: `arrays` holds something that is no array.
        ValueError: Arrays are empty or differ in length, or a number is out of range.

    Example:
        >>> batches = shuffled_batches({"x": np.arange(10)}, batch_size=4, epochs=2)
        >>> len(batches), batches.element_spec["x"].shape
        (5, TensorShape([4]))
    """
    tensors, num_rows = _tensors(arrays, batch_size)
    steps = tf.data.Dataset.range(start, _last_step(epochs, num_rows, batch_size, start))
    if epochs is None:
        steps = steps.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return _gathered(
        tensors, steps, lambda step: shuffled_indices(step, batch_size, num_rows, seed)
    )


def batches(arrays: Any, batch_size: int, *, pad_last: bool = False) -> tf.data.Dataset:
    """Batches for evaluation: every row exactly once, in order.

    Args:
        arrays: A NumPy array or tensor, or a dictionary or tuple of them, also nested: anything
            of equal length N along axis 0.
        batch_size: B, the rows of a batch over all replicas, at least 1.
        pad_last: What to do when B does not divide N. False: the last batch has fewer rows, and
            the shapes are static only if there is no such batch. True: zeros, False or "" fill
            it up, so that all shapes are static. Right only where a `sample_weight` among the
            arrays gives these rows the weight 0.

    Returns:
        A `tf.data.Dataset` with the structure of `arrays` and ceil(N / B) batches, not autotuned.

    Raises:
        TypeError: `arrays` holds something that is no array.
        ValueError: Arrays are empty or differ in length, or `batch_size` is below 1.

    Example:
        >>> [rows.numpy().tolist() for rows in batches(np.arange(5), 2, pad_last=True)]
        [[0, 1], [2, 3], [4, 0]]
    """
    tensors, num_rows = _tensors(arrays, batch_size)
    num_missing = -num_rows % batch_size
    if pad_last:
        tensors = tf.nest.map_structure(lambda tensor: _extended(tensor, num_missing), tensors)
    steps = tf.data.Dataset.range(-(-num_rows // batch_size))
    rows = tf.range(batch_size, dtype=tf.int64)
    if pad_last or not num_missing:
        return _gathered(tensors, steps, lambda step: step * batch_size + rows)
    return _gathered(tensors, steps, lambda step: _existing(step * batch_size + rows, num_rows))


def without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same batches in the same order, without what it costs to stop an autotuned iterator."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    # Workers share each batch. With OFF, every worker would go through all rows by itself.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)


def _gathered(tensors, steps, rows_of):
    def batch(step):
        rows = rows_of(step)
        return tf.nest.map_structure(lambda tensor: tf.gather(tensor, rows), tensors)

    return without_autotuning(steps.map(batch))


def _existing(rows, num_rows):
    return rows[: num_rows - rows[0]]


def _extended(tensor, num_missing):
    return tf.concat([tensor, tf.zeros([num_missing, *tensor.shape[1:]], tensor.dtype)], axis=0)


def _last_step(epochs, num_rows, batch_size, start):
    last = _FOR_EVER if epochs is None else epochs * num_rows // batch_size
    if not 0 <= start < last:
        raise ValueError(
            f"epochs={epochs} over {num_rows} rows in batches of {batch_size} have no step "
            f"start={start}: take more epochs, a smaller batch_size or another start."
        )
    return last


def _tensors(arrays, batch_size):
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}.")
    # A GPU's memory is for the model, and tf.data reads from the CPU.
    with tf.device("CPU:0"):
        tensors = tf.nest.map_structure(_tensor, arrays)
    lengths = {tensor.shape[0] for tensor in tf.nest.flatten(tensors)}
    if len(lengths) != 1 or 0 in lengths:
        found = ", ".join(map(str, sorted(lengths))) or "none"
        raise ValueError(
            f"arrays must have one length of at least 1 along axis 0, got lengths {found}."
        )
    return tensors, lengths.pop()


def _tensor(array):
    if not isinstance(array, (np.ndarray, tf.Tensor)) or not len(array.shape):
        raise TypeError(
            "arrays must be NumPy arrays or dense tensors with at least one axis, "
            f"got {type(array).__name__}: convert it with np.array, pad or pack it first."
        )
    return tf.convert_to_tensor(array)
