"""The head that predicts tokens from the vectors of an encoder.

D hidden_dim, V vocabulary.
"""

import keras

from tfzoo.layers.normalization import LayerNorm
from tfzoo.layers.tied_logits import tied_logits


@keras.saving.register_keras_serializable(package="tfzoo")
class MaskedLMHead(keras.layers.Layer):
    """`norm(activation(dense(x))) E^T + bias`, E the matrix that embeds the tokens.

    Args:
        vocabulary_size: int, V.
        activation: callable or Keras activation name.
        layer_norm_epsilon: float > 0, see `LayerNorm`.
        kernel_initializer: initializer of the dense layer.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Devlin et al. 2019, section 3.1, as in the authors' `run_pretraining.py`.
    """

    def __init__(
        self,
        vocabulary_size,
        activation="gelu",
        layer_norm_epsilon=1e-12,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.activation = keras.activations.get(activation)
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Creates the parts for vectors (..., D)."""
        self.transform = keras.layers.Dense(
            input_shape[-1],
            self.activation,
            kernel_initializer=self.kernel_initializer,
            dtype=self.dtype_policy,
            name="transform",
        )
        self.norm = LayerNorm(self.layer_norm_epsilon, dtype=self.dtype_policy, name="norm")
        self.transform.build(input_shape)
        self.norm.build(input_shape)
        self.bias = self.add_weight(name="bias", shape=(self.vocabulary_size,), initializer="zeros")

    def call(self, x, embeddings):
        """Maps vectors (..., D), and embeddings (V, D), to logits (..., V)."""
        x = self.norm(self.transform(x))
        return tied_logits(x, embeddings) + self.bias

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "activation": keras.activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
