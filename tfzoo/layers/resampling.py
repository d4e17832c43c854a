"""Images twice as large and half as large, without weights and with derivatives of every order.

B batch, H height, W width, C channels.
"""

import tensorflow as tf


def upsample(x):
    """Bilinear interpolation to twice the height and width; edges are repeated.

    Between two pixels lie two new ones, at a quarter and at three quarters of the way.
    `tf.image.resize` computes the same, but in float32 only.

    Args:
        x: float (B, H, W, C).

    Returns:
        (B, 2 H, 2 W, C), of the same dtype.
    """
    return _doubled(_doubled(x, 1), 2)


def downsample(x):
    """Means of 2 x 2 pixels.

    Args:
        x: float (B, H, W, C), H and W even.

    Returns:
        (B, H / 2, W / 2, C), of the same dtype.
    """
    return tf.nn.avg_pool2d(x, 2, 2, "VALID")


def _doubled(x, axis):
    size = x.shape[axis]
    first, last = [0] * 4, [-1] * 4
    for start in (first, last):
        start[axis] = 0
    begin = tf.gather(x, [0], axis=axis)
    end = tf.gather(x, [size - 1], axis=axis)
    inner = [slice(None)] * 4
    inner[axis] = slice(0, size - 1)
    before = tf.concat([begin, x[tuple(inner)]], axis)
    inner[axis] = slice(1, size)
    after = tf.concat([x[tuple(inner)], end], axis)
    pairs = tf.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
    shape = [-1, *x.shape[1:]]
    shape[axis] = 2 * size
    return tf.reshape(pairs, shape)
