"""Convolutions at the end of a network where an image has one or three channels, not dozens.

There TensorFlow's transposed convolution is slow on a CPU: it is made for many channels. The same
sum, taken as a plain convolution that computes four pixels at once, takes half the time.

B batch, H height, W width, C channels of the image, D channels of the features, K kernel size.
"""

import keras
import tensorflow as tf


def doubled_convolution(x, kernel):
    """`tf.nn.conv2d_transpose` with strides of 2 and padding "SAME".

    Output pixel `2 i + p` takes the taps whose parity is that of `p + padding`: K / 2 of them, from
    as many neighbours of `i`. So one convolution of size K / 2 with 4 C outputs gives all pixels.

    Args:
        x: float (B, H, W, D).
        kernel: float (K, K, C, D), K even.

    Returns:
        (B, 2 H, 2 W, C).
    """
    size, channels = kernel.shape[0], kernel.shape[2]
    height, width, taps, padding = *x.shape[1:3], size // 2, size // 2 - 1
    firsts = [(phase + padding) % 2 for phase in (0, 1)]
    centers = [(phase + padding) // 2 for phase in (0, 1)]
    margin = taps - 1 - centers[0]
    flipped = kernel[::-1, ::-1]
    kernels = [
        flipped[size - 1 - 2 * (taps - 1) - row :: 2, size - 1 - 2 * (taps - 1) - column :: 2]
        for row in firsts
        for column in firsts
    ]
    kernels = [part[:taps, :taps] for part in kernels]
    joined = tf.transpose(tf.concat(kernels, axis=2), [0, 1, 3, 2])
    y = tf.nn.conv2d(tf.pad(x, [[0, 0], [margin] * 2, [margin] * 2, [0, 0]]), joined, 1, "VALID")
    shift = centers[1] - centers[0]
    parts = [
        part[:, row * shift : row * shift + height, column * shift : column * shift + width]
        for part, (row, column) in zip(
            tf.split(y, 4, axis=3), [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True
        )
    ]
    rows = [tf.stack(parts[:2], axis=3), tf.stack(parts[2:], axis=3)]
    return tf.reshape(tf.stack(rows, axis=2), [-1, 2 * height, 2 * width, channels])


@tf.custom_gradient
def convolution_to_image(x, kernel):
    """`doubled_convolution`, with the derivatives that TensorFlow computes fast by itself."""

    def gradient(upstream):
        to_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=upstream,
            filter_sizes=kernel.shape,
            out_backprop=x,
            strides=[1, 2, 2, 1],
            padding="SAME",
        )
        return tf.nn.conv2d(upstream, kernel, 2, "SAME"), to_kernel

    return doubled_convolution(x, kernel), gradient


@tf.custom_gradient
def convolution_of_image(x, kernel):
    """`tf.nn.conv2d` with strides of 2, and `doubled_convolution` on the way back to the image."""

    def gradient(upstream):
        to_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=x,
            filter_sizes=kernel.shape,
            out_backprop=upstream,
            strides=[1, 2, 2, 1],
            padding="SAME",
        )
        return convolution_to_image(upstream, kernel), to_kernel

    return tf.nn.conv2d(x, kernel, 2, "SAME"), gradient


@keras.saving.register_keras_serializable(package="tfzoo")
class ConvolutionToImage(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` for few output channels: strides of 2, padding "same".

    Args:
        filters: int, channels of the image.
        kernel_size: int; only even ones are faster.
        **kwargs: passed to `keras.layers.Conv2DTranspose`.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **{**kwargs, "strides": 2, "padding": "same"})

    def call(self, x):
        """Returns the image."""
        if self.kernel_size[0] % 2:
            return super().call(x)
        y = convolution_to_image(x, tf.convert_to_tensor(self.kernel))
        return y + self.bias if self.use_bias else y


@keras.saving.register_keras_serializable(package="tfzoo")
class ConvolutionOfImage(keras.layers.Conv2D):
    """`keras.layers.Conv2D` for few input channels: strides of 2, padding "same", even sides.

    Args:
        filters: int, channels of the features.
        kernel_size: int; only even ones are faster.
        **kwargs: passed to `keras.layers.Conv2D`.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **{**kwargs, "strides": 2, "padding": "same"})

    def call(self, x):
        """Returns the features."""
        if self.kernel_size[0] % 2:
            return super().call(x)
        y = convolution_of_image(x, tf.convert_to_tensor(self.kernel))
        return tf.nn.bias_add(y, self.bias) if self.use_bias else y
