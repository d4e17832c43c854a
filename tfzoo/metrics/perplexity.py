"""Perplexity of a language model."""

import keras
from keras import ops

from tfzoo.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="tfzoo")
class Perplexity(WeightedMean):
    """`exp` of the weighted mean loss: among how many equally likely tokens the model hesitates.

    `update_state(losses, sample_weight)` takes the loss of each token in nats. The exponential is
    taken once, of the mean over all batches; the mean of the batches' perplexities would be larger.
    """

    def __init__(self, name="perplexity", **kwargs):
        super().__init__(name=name, **kwargs)

    def result(self):
        """Returns the perplexity so far."""
        return ops.exp(super().result())
