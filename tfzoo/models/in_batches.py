"""Many rows through a network, a few at a time, inside a graph."""

import tensorflow as tf


def in_batches(function, num_rows, batch_size):
    """Computes `function` on all rows with the memory of `batch_size` of them.

    Args:
        function: callable `(first, limit)` on scalar int64 tensors, that computes the rows from
            `first` to `limit`, and returns a tensor or a structure of tensors whose first axes
            follow each other from batch to batch.
        num_rows: int or scalar tensor, at least 1.
        batch_size: int, rows of one batch.

    Returns:
        What `function` returns, for all rows.
    """
    num_rows = tf.cast(num_rows, tf.int64)
    # The first batch says what a batch looks like; most texts need no other.
    first = function(tf.zeros([], tf.int64), tf.minimum(num_rows, batch_size))
    num_batches = -(-num_rows // batch_size)

    def empty(part):
        shape = [None, *part.shape[1:]]
        size = tf.cast(num_batches, tf.int32)
        return tf.TensorArray(part.dtype, size, element_shape=shape, infer_shape=False)

    def write(number, arrays, parts):
        number = tf.cast(number, tf.int32)
        parts = tf.nest.flatten(parts)
        return [array.write(number, part) for array, part in zip(arrays, parts, strict=True)]

    def body(number, arrays):
        start = number * batch_size
        parts = function(start, tf.minimum(start + batch_size, num_rows))
        return number + 1, write(number, arrays, parts)

    arrays = write(0, [empty(part) for part in tf.nest.flatten(first)], first)
    _, arrays = tf.while_loop(
        lambda number, arrays: number < num_batches,
        body,
        [tf.ones([], tf.int64), arrays],
        parallel_iterations=1,
    )
    return tf.nest.pack_sequence_as(first, [array.concat() for array in arrays])
