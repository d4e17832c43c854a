"""One layer of a decoder: attention, then a feed-forward network, each added to its input."""

import keras

from tfzoo.layers.attention import SelfAttention
from tfzoo.layers.dropout import Dropout
from tfzoo.layers.feed_forward import FeedForward
from tfzoo.layers.normalization import LayerNorm, RMSNorm


@keras.saving.register_keras_serializable(package="tfzoo")
class DecoderBlock(keras.layers.Layer):
    """`x + attention(norm(x))`, then `x + feed_forward(norm(x))`.

    Args:
        num_heads: int, H; must divide D.
        intermediate_dim: int, F.
        dropout: float in [0, 1), on attention probabilities and on both branches.
        activation: callable or Keras activation name, inside the feed-forward network.
        rms_norm: bool, `RMSNorm` and no biases, instead of `LayerNorm` and biases.
        normalize_queries_and_keys: bool, see `SelfAttention`.
        kernel_initializer: initializer of the matrices that read the residual stream.
        branch_initializer: initializer of the two matrices that write to it.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Radford et al. 2019 (GPT-2), section 2.3: normalisation moved to the inputs.
    """

    def __init__(
        self,
        num_heads,
        intermediate_dim,
        dropout=0.0,
        activation="relu",
        rms_norm=False,
        normalize_queries_and_keys=False,
        kernel_initializer="glorot_uniform",
        branch_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        # Serialized: one initializer object would fill every matrix with the same numbers.
        kernel_initializer = _serialize(kernel_initializer)
        branch_initializer = _serialize(branch_initializer)
        self._arguments = dict(
            num_heads=num_heads,
            intermediate_dim=intermediate_dim,
            dropout=dropout,
            activation=keras.activations.serialize(keras.activations.get(activation)),
            rms_norm=rms_norm,
            normalize_queries_and_keys=normalize_queries_and_keys,
            kernel_initializer=kernel_initializer,
            branch_initializer=branch_initializer,
        )
        norm = RMSNorm if rms_norm else LayerNorm
        shared = dict(
            use_bias=not rms_norm,
            kernel_initializer=kernel_initializer,
            output_initializer=branch_initializer,
            dropout=dropout,
            dtype=self.dtype_policy,
        )
        self.attention_norm = norm(dtype=self.dtype_policy, name="attention_norm")
        self.attention = SelfAttention(
            num_heads, normalize_queries_and_keys, name="attention", **shared
        )
        self.dropout = Dropout(dropout, dtype=self.dtype_policy, name="dropout")
        self.feed_forward_norm = norm(dtype=self.dtype_policy, name="feed_forward_norm")
        self.feed_forward = FeedForward(intermediate_dim, activation, name="feed_forward", **shared)

    def build(self, input_shape):
        """Builds the parts for inputs (B, T, D)."""
        self.attention_norm.build(input_shape)
        self.attention.build(input_shape)
        self.feed_forward_norm.build(input_shape)
        self.feed_forward.build(input_shape)

    def call(self, x, penalty, angles=None, cache=None, training=False):
        """Maps (B, T, D) to `(outputs, keys, values)`; arguments as in `SelfAttention.call`."""
        attended, keys, values = self.attention(
            self.attention_norm(x), penalty, angles=angles, cache=cache, training=training
        )
        x = x + self.dropout(attended, training=training)
        x = x + self.feed_forward(self.feed_forward_norm(x), training=training)
        return x, keys, values

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), **self._arguments}


def _serialize(initializer):
    return keras.initializers.serialize(keras.initializers.get(initializer))
