"""Bits per byte: a language model's loss that does not depend on its tokenizer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfzoo")
class BitsPerByte(keras.metrics.Metric):
    """Total loss in bits divided by the number of UTF-8 bytes that the targets stand for.

    Two models with different vocabularies can be compared by it; perplexities cannot.

    Source: Gao et al. 2020, "The Pile", section 3.1.
    """

    def __init__(self, name="bits_per_byte", **kwargs):
        super().__init__(name=name, **kwargs)
        self.nats = self.add_variable((), initializer="zeros", name="nats")
        self.num_bytes = self.add_variable((), initializer="zeros", name="num_bytes")

    def update_state(self, losses, num_bytes, sample_weight=None):
        """Adds tokens.

        Args:
            losses: float (B, T), loss of each token in nats.
            num_bytes: int or float (B, T), bytes that each target token stands for.
            sample_weight: optional float (B, T), 0 where a token does not count.
        """
        losses, num_bytes = ops.cast(losses, self.dtype), ops.cast(num_bytes, self.dtype)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, self.dtype)
            losses, num_bytes = losses * sample_weight, num_bytes * sample_weight
        self.nats.assign_add(ops.sum(losses))
        self.num_bytes.assign_add(ops.sum(num_bytes))

    def result(self):
        """Returns the bits per byte so far; 0 when nothing was seen."""
        return ops.divide_no_nan(self.nats, self.num_bytes) / ops.log(2.0)
