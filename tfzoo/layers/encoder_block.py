"""One layer of an encoder: attention, then a feed-forward network, each added and normalised."""

import keras

from tfzoo.layers.attention import SelfAttention
from tfzoo.layers.dropout import Dropout
from tfzoo.layers.feed_forward import FeedForward
from tfzoo.layers.normalization import LayerNorm


@keras.saving.register_keras_serializable(package="tfzoo")
class EncoderBlock(keras.layers.Layer):
    """`norm(x + attention(x))`, then `norm(x + feed_forward(x))`.

    Args:
        num_heads: int, H; must divide D.
        intermediate_dim: int, F.
        dropout: float in [0, 1), on both branches.
        attention_dropout: float in [0, 1), on the attention probabilities; None means `dropout`.
        activation: callable or Keras activation name, inside the feed-forward network.
        layer_norm_epsilon: float > 0, see `LayerNorm`.
        kernel_initializer: initializer of all matrices.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.1.
    """

    def __init__(
        self,
        num_heads,
        intermediate_dim,
        dropout=0.0,
        attention_dropout=None,
        activation="relu",
        layer_norm_epsilon=1e-5,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        # Serialized: one initializer object would fill every matrix with the same numbers.
        initializer = keras.initializers.serialize(keras.initializers.get(kernel_initializer))
        self._arguments = dict(
            num_heads=num_heads,
            intermediate_dim=intermediate_dim,
            dropout=dropout,
            attention_dropout=attention_dropout,
            activation=keras.activations.serialize(keras.activations.get(activation)),
            layer_norm_epsilon=layer_norm_epsilon,
            kernel_initializer=initializer,
        )
        dtype = self.dtype_policy
        shared = dict(kernel_initializer=initializer, output_initializer=initializer, dtype=dtype)
        self.attention = SelfAttention(
            num_heads,
            dropout=dropout if attention_dropout is None else attention_dropout,
            name="attention",
            **shared,
        )
        self.dropout = Dropout(dropout, dtype=dtype, name="dropout")
        self.attention_norm = LayerNorm(layer_norm_epsilon, dtype=dtype, name="attention_norm")
        self.feed_forward = FeedForward(
            intermediate_dim, activation, dropout=dropout, name="feed_forward", **shared
        )
        self.feed_forward_norm = LayerNorm(
            layer_norm_epsilon, dtype=dtype, name="feed_forward_norm"
        )

    def build(self, input_shape):
        """Builds the parts for inputs (B, T, D)."""
        self.attention.build(input_shape)
        self.attention_norm.build(input_shape)
        self.feed_forward.build(input_shape)
        self.feed_forward_norm.build(input_shape)

    def call(self, x, penalty, training=False):
        """Maps (B, T, D) to (B, T, D); arguments as in `SelfAttention.call`."""
        attended, _, _ = self.attention(x, penalty, training=training)
        x = self.attention_norm(x + self.dropout(attended, training=training))
        return self.feed_forward_norm(x + self.feed_forward(x, training=training))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), **self._arguments}
