"""A convolution in groups of channels that has gradients on every processor.

B batch, H height, W width, C channels, D channels of the output.
"""

import functools

import tensorflow as tf


def grouped_convolution(x, kernel):
    """Convolves each group of channels by itself, with a stride of 1 and "SAME" padding.

    Args:
        x: float tensor (B, H, W, C).
        kernel: float tensor (h, w, channels of a group, D).

    Returns:
        Float tensor (B, H, W, D).
    """
    num_groups = x.shape[-1] // kernel.shape[2]
    if has_gradients():
        return tf.nn.conv2d(x, kernel, 1, "SAME")
    parts = tf.split(x, num_groups, axis=-1), tf.split(kernel, num_groups, axis=-1)
    columns = [tf.nn.conv2d(*part, 1, "SAME") for part in zip(*parts, strict=True)]
    return tf.concat(columns, axis=-1)


@functools.cache
def has_gradients():
    """Whether TensorFlow differentiates a convolution in groups here.

    On CPUs only oneDNN does, which TensorFlow takes for those with AVX-512's newer instructions:
    others refuse at the first step. One is tried, because nothing else tells.
    """
    two = tf.zeros([1, 1, 1, 2])
    sizes = dict(input_sizes=[1, 1, 1, 2], strides=[1, 1, 1, 1], padding="SAME")
    try:
        tf.raw_ops.Conv2DBackpropInput(filter=two, out_backprop=two, **sizes)
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return False
    return True
