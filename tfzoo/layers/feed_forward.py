"""The position-wise feed-forward network: D -> F -> D."""

import keras
import tensorflow as tf

from tfzoo.layers.dropout import Dropout
from tfzoo.layers.fused import fused


@keras.saving.register_keras_serializable(package="tfzoo")
class FeedForward(keras.layers.Layer):
    """Two dense layers with a nonlinearity between, applied at each position.

    Args:
        intermediate_dim: int, F.
        activation: callable or Keras activation name, of each entry for itself.
        use_bias: bool, biases in both layers.
        dropout: float in [0, 1), on the outputs.
        kernel_initializer: initializer of the first layer.
        output_initializer: initializer of the second layer.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Vaswani et al. 2017, section 3.3.
    """

    def __init__(
        self,
        intermediate_dim,
        activation="relu",
        use_bias=True,
        dropout=0.0,
        kernel_initializer="glorot_uniform",
        output_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.intermediate_dim = intermediate_dim
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.dropout_rate = dropout
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.output_initializer = keras.initializers.get(output_initializer)

    def build(self, input_shape):
        """Creates both layers for inputs (..., D)."""
        self.expand = keras.layers.Dense(
            self.intermediate_dim,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer,
            dtype=self.dtype_policy,
            name="expand",
        )
        self.contract = keras.layers.Dense(
            input_shape[-1],
            use_bias=self.use_bias,
            kernel_initializer=self.output_initializer,
            dtype=self.dtype_policy,
            name="contract",
        )
        self.dropout = Dropout(self.dropout_rate, dtype=self.dtype_policy, name="dropout")
        self.expand.build((None, input_shape[-1]))
        self.contract.build((None, self.intermediate_dim))

    def call(self, x, training=False):
        """Maps (..., D) to (..., D)."""
        activation = fused(self.activation) if training else self.activation
        # Two axes: TensorFlow computes product, bias and activation in one operation only so.
        rows = tf.reshape(x, [-1, x.shape[-1]])
        rows = self.contract(activation(self.expand(rows)))
        return self.dropout(tf.reshape(rows, tf.shape(x)), training=training)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "dropout": self.dropout_rate,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "output_initializer": keras.initializers.serialize(self.output_initializer),
        }
