"""Layer normalisations, computed in float32 whatever the inputs are."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class LayerNorm(keras.layers.Layer):
    """`(x - mean) / sqrt(variance + epsilon) * scale + bias` over the last axis.

    Args:
        epsilon: float > 0, added to the variance.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Ba et al. 2016, "Layer Normalization", section 3.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Creates scale and bias of the width of the last axis."""
        self.scale = self.add_weight(name="scale", shape=input_shape[-1:], initializer="ones")
        self.bias = self.add_weight(name="bias", shape=input_shape[-1:], initializer="zeros")

    def call(self, x):
        """Normalises `x` (..., D)."""
        wide = tf.cast(x, tf.float32)
        centered = wide - tf.reduce_mean(wide, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centered), axis=-1, keepdims=True)
        normal = tf.cast(centered * tf.math.rsqrt(variance + self.epsilon), x.dtype)
        return normal * self.scale + self.bias

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="tfzoo")
class RMSNorm(keras.layers.Layer):
    """`x / sqrt(mean(x^2) + epsilon) * scale` over the last axis.

    Args:
        epsilon: float > 0, added to the mean square.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", section 3.
    """

    def __init__(self, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Creates a scale of the width of the last axis."""
        self.scale = self.add_weight(name="scale", shape=input_shape[-1:], initializer="ones")

    def call(self, x):
        """Normalises `x` (..., D)."""
        return rms_normalize(x, self.epsilon) * self.scale

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


def rms_normalize(x, epsilon=1e-6):
    """Divides the last axis of `x` by its root mean square, taken in float32."""
    mean_square = tf.reduce_mean(tf.square(tf.cast(x, tf.float32)), axis=-1, keepdims=True)
    return x * tf.cast(tf.math.rsqrt(mean_square + epsilon), x.dtype)
