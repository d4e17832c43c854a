"""The residual block of R3GAN: no normalisation, and the identity at first.

B batch, H height, W width, C channels, E = expansion * C.
"""

import keras
import tensorflow as tf

from tfzoo.layers.activations import leaky_relu
from tfzoo.layers.grouped_convolution import grouped_convolution, has_gradients

NEGATIVE_SLOPE = 0.2
# Keeps the variance through a leaky ReLU.
GAIN = (2 / (1 + NEGATIVE_SLOPE**2)) ** 0.5


@keras.saving.register_keras_serializable(package="tfzoo")
class ResidualBlock(keras.layers.Layer):
    """`x + W3 act(W2 act(W1 x + b1) + b2)`: 1 x 1 to E, 3 x 3 in groups, 1 x 1 back to C.

    `act` is the leaky ReLU. W3 starts at zero, and W1 and W2 are scaled down by the depth of the
    network, so that no normalisation is needed.

    Args:
        expansion: int, E / C.
        group_size: int, channels of E in a group; must divide E.
        num_blocks: int, L, blocks of the whole network: W1 and W2 start `L^(-1/4)` times as large.
        kernel_size: int, of W2.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        x: float (B, H, W, C).

    Returns:
        Like x.

    Source: Huang et al. 2024, "The GAN is dead; long live the GAN!" (R3GAN), section 3; Zhang et
    al. 2019, "Fixup initialization", section 3.
    """

    def __init__(self, expansion=2, group_size=16, num_blocks=1, kernel_size=3, **kwargs):
        super().__init__(**kwargs)
        self.expansion = expansion
        self.group_size = group_size
        self.num_blocks = num_blocks
        self.kernel_size = kernel_size

    def build(self, input_shape):
        """Creates three kernels and the biases in front of the two activations."""
        channels = input_shape[-1]
        inner, group = self.expansion * channels, self.group_size
        if inner % group:
            raise ValueError(
                f"`group_size` must divide expansion * channels = {inner}; received {group}."
            )
        size, scale = self.kernel_size, self.num_blocks**-0.25
        self.widen = self.add_weight(
            name="widen", shape=(1, 1, channels, inner), initializer=scaled_normal(scale)
        )
        self.mix = self.add_weight(
            name="mix", shape=(size, size, group, inner), initializer=scaled_normal(scale)
        )
        self.narrow = self.add_weight(
            name="narrow", shape=(1, 1, inner, channels), initializer="zeros"
        )
        self.widen_bias = self.add_weight(name="widen_bias", shape=(inner,), initializer="zeros")
        self.mix_bias = self.add_weight(name="mix_bias", shape=(inner,), initializer="zeros")
        with tf.init_scope():
            has_gradients()  # found out here, outside of graphs, and remembered

    def call(self, x):
        """Adds what the branch finds to `x`."""
        y = tf.nn.conv2d(x, self.widen, 1, "SAME")
        y = leaky_relu(y + self.widen_bias, NEGATIVE_SLOPE)
        y = grouped_convolution(y, tf.convert_to_tensor(self.mix))
        y = leaky_relu(y + self.mix_bias, NEGATIVE_SLOPE)
        return x + tf.nn.conv2d(y, self.narrow, 1, "SAME")

    def compute_output_shape(self, input_shape):
        """The shape does not change."""
        return input_shape

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "expansion": self.expansion,
            "group_size": self.group_size,
            "num_blocks": self.num_blocks,
            "kernel_size": self.kernel_size,
        }


def scaled_normal(scale, gain=GAIN):
    """Normal with variance `(scale * gain)^2 / fan_in`."""
    return keras.initializers.VarianceScaling(
        (scale * gain) ** 2, mode="fan_in", distribution="untruncated_normal"
    )
