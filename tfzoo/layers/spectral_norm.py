"""A layer whose matrix has a largest singular value of one."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class SpectralNorm(keras.layers.Layer):
    """Divides a layer's kernel by an estimate of its largest singular value, at every call.

    One power iteration for each call in training keeps the estimate close while the kernel moves.
    The kernel itself stays as the optimizer left it, and the gradient goes through the division as
    in the paper; `keras.layers.SpectralNormalization` overwrites the kernel instead.

    Args:
        layer: a `Dense` or a convolution whose kernel's last axis is its outputs.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        x: what the layer takes.
        training: bool, whether the estimate moves.

    Returns:
        What the layer returns.

    Source: Miyato et al. 2018, "Spectral normalization for GANs", algorithm 1.
    """

    def __init__(self, layer, **kwargs):
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape):
        """Builds the layer, and creates the first guess of the left singular vector."""
        if not self.layer.built:
            self.layer.build(input_shape)
        self.vector = self.add_weight(
            name="vector",
            shape=(1, self.layer.kernel.shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            autocast=False,
            dtype="float32",
            aggregation="mean",
        )

    def call(self, x, training=False):
        """Applies the layer with its kernel divided."""
        variable = self.layer.kernel
        kernel = tf.cast(tf.convert_to_tensor(variable.value), tf.float32)
        matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
        fixed = tf.stop_gradient(matrix)
        left = tf.math.l2_normalize(tf.matmul(self.vector.value, fixed, transpose_b=True))
        right = tf.math.l2_normalize(tf.matmul(left, fixed))
        if training:
            self.vector.assign(right)
        sigma = tf.reduce_sum(tf.matmul(left, matrix) * right)
        with keras.StatelessScope([(variable, kernel / tf.maximum(sigma, 1e-12))]):
            return self.layer(x)

    def get_config(self):
        """Returns the constructor's arguments."""
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer}

    @classmethod
    def from_config(cls, config):
        """Restores the wrapper with its layer."""
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})
