"""Random numbers for the rows of a global batch, whichever replica holds which row.

B rows on this replica, Z width.
"""

import dataclasses
import math
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Rows:
    """Where the rows of this replica stand in the global batch.

    Args:
        start: int, first row.
        num: int, rows here, B.
        total: int, rows on all replicas.
    """

    start: Any
    num: Any
    total: Any


def rows_of_replica(num_rows):
    """Returns the `Rows` of the replica that calls it with its number of rows."""
    num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if num_replicas == 1:
        return Rows(0, num_rows, num_rows)
    replica = tf.distribute.get_replica_context()
    number = replica.replica_id_in_sync_group
    mine = tf.one_hot(number, num_replicas, num_rows, 0, dtype=tf.int32)
    sizes = replica.all_reduce(tf.distribute.ReduceOp.SUM, mine)
    sentence = (
        f"Each of {num_replicas} replicas must have a row of every batch; received a batch that is "
        "too small. Drop the last one with `drop_remainder=True`, or choose another `batch_size`."
    )
    enough = tf.debugging.Assert(tf.reduce_all(sizes > 0), [sentence])
    with tf.control_dependencies([enough] if enough is not None else []):
        sizes = tf.identity(sizes)
    return Rows(tf.reduce_sum(sizes[:number]), num_rows, tf.reduce_sum(sizes))


def fold_in(seed, number):
    """A new seed int32 (2,) from a seed and an integer: another stream for each integer."""
    seed = tf.cast(seed, tf.int32)
    return tf.random.experimental.stateless_fold_in(seed, number, alg="philox")


def normal(seed, rows, width):
    """Standard normal numbers, float32 (B, Z): those of one device, cut to this replica's rows.

    `keras.random` would give every replica the same; and numbers that depended on the replica would
    make two devices another experiment than one. `tf.random.stateless_normal` would give XLA other
    numbers; its integers are the same everywhere.

    Source: Box & Muller 1958, "A note on the generation of random normal deviates".
    """
    num_pairs = -(-width // 2)
    shares = uniform(seed, rows, 2 * num_pairs)
    # In (0, 1], as the logarithm needs it.
    length = tf.sqrt(-2 * tf.math.log(1 - shares[:, :num_pairs]))
    angle = 2 * math.pi * shares[:, num_pairs:]
    return tf.concat([length * tf.cos(angle), length * tf.sin(angle)], axis=1)[:, :width]


def uniform(seed, rows, width):
    """Uniform numbers in [0, 1), multiples of 2^-24, float32 (B, Z), as `normal`."""
    bits = tf.random.stateless_uniform(
        [rows.total, width], tf.cast(seed, tf.int32), None, None, tf.int32, alg="philox"
    )
    if rows.num is not rows.total:
        bits = bits[rows.start : rows.start + rows.num]
        bits = tf.ensure_shape(bits, [rows.num if isinstance(rows.num, int) else None, width])
    bits = tf.bitwise.right_shift(tf.bitcast(bits, tf.uint32), tf.constant(8, tf.uint32))
    return tf.cast(bits, tf.float32) * 2.0**-24
