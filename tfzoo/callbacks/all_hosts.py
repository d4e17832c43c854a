"""What all hosts of a run have."""

import numpy as np
import tensorflow as tf


def is_run_by_several(strategy) -> bool:
    """Whether other processes take the same steps, each with its share of the batches."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def common(strategy, numbers: set[int]) -> set[int]:
    """Those of some numbers, 0 or more, that every host has; each host has to ask."""
    if not is_run_by_several(strategy):
        return {*numbers}
    # -1 is common to all, so that nobody sends nothing.
    mine = tf.constant([-1, *sorted(numbers)], tf.int64)
    everybody = strategy.gather(strategy.run(tf.identity, [mine]), axis=0)
    values, counts = np.unique(everybody, return_counts=True)
    return {int(value) for value in values[counts == strategy.num_replicas_in_sync]} - {-1}
