"""LoRA: what a frozen matrix learns, as the product of two thin ones.

D inputs, R rank, F outputs.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class LowRankUpdate(keras.layers.Layer):
    """`(alpha / R) x A B`, to be added to what a frozen dense layer makes of `x`.

    A is random and B is zero, so that nothing changes at first. `keras.layers.Dense.enable_lora`
    does the same sum, but saves it merged into the frozen matrix and starts again from zero when it
    is loaded, so that a resumed run is another run; here A and B are weights like all others.

    Args:
        output_dim: int, F.
        rank: int, R, much smaller than D and F.
        alpha: float > 0; None means R.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
    """

    def __init__(self, output_dim, rank, alpha=None, **kwargs):
        super().__init__(**kwargs)
        if rank < 1:
            raise ValueError(f"`rank` must be at least 1; received {rank}.")
        self.output_dim = output_dim
        self.rank = rank
        self.alpha = float(rank if alpha is None else alpha)

    def build(self, input_shape):
        """Creates A (D, R) and B (R, F)."""
        self.a = self.add_weight(
            name="a", shape=(input_shape[-1], self.rank), initializer="he_uniform"
        )
        self.b = self.add_weight(name="b", shape=(self.rank, self.output_dim), initializer="zeros")

    def call(self, x):
        """Maps (..., D) to (..., F)."""
        a, b = (tf.cast(tf.convert_to_tensor(weight), x.dtype) for weight in (self.a, self.b))
        # Not `tf.matmul`: it would make gradients for each row of the batch before it sums them.
        return keras.ops.matmul(keras.ops.matmul(x, a), b) * tf.cast(
            self.alpha / self.rank, x.dtype
        )

    def matrix(self):
        """What has to be added to the frozen matrix instead: float32 (D, F)."""
        a, b = (tf.convert_to_tensor(weight.value) for weight in (self.a, self.b))
        return tf.matmul(a, b) * (self.alpha / self.rank)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "output_dim": self.output_dim,
            "rank": self.rank,
            "alpha": self.alpha,
        }
