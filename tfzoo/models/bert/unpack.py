"""What a step is given."""

import keras
import tensorflow as tf


def unpack(data):
    """`(x, targets[, weights])` -> all three; missing weights are ones, one for each example."""
    x, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
    if weights is None:
        weights = tf.ones(tf.shape(tf.nest.flatten(x)[0])[:1])
    return x, targets, tf.cast(weights, tf.float32)
