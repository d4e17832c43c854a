"""How much work there is in the batches of a run, counted on their way through the pipeline."""

import collections

import numpy as np
import tensorflow as tf


class CountedBatches:
    """Counts what a function finds in each batch that a dataset gives, before it is trained on.

    The pipeline is ahead of the training; counts wait in a queue for the step that they belong to.

    Args:
        dataset: of batches.
        work_of: callable, a batch to a float64 tensor (K,).

    Attributes:
        dataset: the same batches in the same order, which are counted.
    """

    def __init__(self, dataset: tf.data.Dataset, work_of):
        self._work_of = work_of
        self._counts = collections.deque()
        # Numbered, so that the batch arrives in one piece whatever its structure is.
        self.dataset = dataset.enumerate().map(self._count)

    def take(self, num_batches: int) -> np.ndarray:
        """Returns the work in the next batches, or in all that there still were, (K,) or 0."""
        num_batches = min(num_batches, len(self._counts))
        return sum((self._counts.popleft() for _ in range(num_batches)), start=np.float64(0))

    def _count(self, number, batch):
        noted = tf.numpy_function(self._note, [self._work_of(batch)], tf.int64)
        with tf.control_dependencies([noted]):
            return tf.nest.map_structure(lambda x: x if x is None else tf.identity(x), batch)

    def _note(self, work):
        self._counts.append(work)
        return 0
