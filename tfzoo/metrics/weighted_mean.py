"""The mean over all that was seen, whatever the shapes of the batches."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfzoo")
class WeightedMean(keras.metrics.Mean):
    """`sum(weight * value) / sum(weight)`, over every entry of every batch.

    `keras.metrics.Mean` takes the mean of each row first: the tokens of a batch of short rows would
    count more than those of a batch of long ones.

    Example:
        >>> metric = WeightedMean(name="accuracy")
        >>> metric.update_state([[1.0, 1.0, 1.0, 1.0]], [[1, 1, 1, 0]])
        >>> metric.update_state([[0.0]], [[1]])
        >>> float(metric.result())
        0.75
    """

    def update_state(self, values, sample_weight=None):
        """Adds values of any shape, with weights of the same shape or none."""
        if sample_weight is not None:
            sample_weight = ops.reshape(sample_weight, [-1])
        super().update_state(ops.reshape(values, [-1]), sample_weight)
