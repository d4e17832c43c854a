"""Random numbers for the rows of a global batch, whichever replica holds which row.

B rows on this replica, Z width.
"""

import dataclasses
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
    return Rows(tf.reduce_sum(sizes[:number]), num_rows, tf.reduce_sum(sizes))


def fold_in(seed, number):
    """A new seed int32 (2,) from a seed and an integer: another stream for each integer."""
    seed = tf.cast(seed, tf.int32)
    return tf.random.experimental.stateless_fold_in(seed, number, alg="philox")


def normal(seed, rows, width):
    """Standard normal numbers, float32 (B, Z): those of one device, cut to this replica's rows.

    `keras.random` would give every replica the same; and numbers that depended on the replica would
    make two devices another experiment than one.
    """
    noise = tf.random.stateless_normal([rows.total, width], tf.cast(seed, tf.int32), alg="philox")
    return _mine(noise, rows)


def uniform(seed, rows, width):
    """Uniform numbers in [0, 1), float32 (B, Z), as `normal`."""
    noise = tf.random.stateless_uniform([rows.total, width], tf.cast(seed, tf.int32), alg="philox")
    return _mine(noise, rows)


def _mine(noise, rows):
    if rows.num is rows.total:
        return noise
    mine = noise[rows.start : rows.start + rows.num]
    return tf.ensure_shape(mine, [rows.num if isinstance(rows.num, int) else None, noise.shape[1]])
