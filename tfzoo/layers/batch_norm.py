"""Batch normalisation over the batch of all replicas, in one fused operation where there is one.

B batch, C channels.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class BatchNorm(keras.layers.Layer):
    """`(x - mean) / sqrt(variance + epsilon) * scale + bias` with moments of the global batch.

    In training the moments are those of all rows on all replicas, so that two devices compute what
    one does; `keras.layers.BatchNormalization` does so on request only, and on one device takes
    four times as long. Statistics are float32 whatever the inputs are.

    Args:
        momentum: float in [0, 1), of the moving statistics that inference uses.
        epsilon: float >= 1.001e-5, added to the variance.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        x: float (B, ..., C).
        training: bool, whether moments come from the batch and move the statistics.

    Returns:
        Like x.

    Source: Ioffe & Szegedy 2015, "Batch Normalization", algorithms 1 and 2; the moving variance is
    that of the batch (divided by its size N, not by N - 1), as in Keras.
    """

    def __init__(self, momentum=0.9, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        if not epsilon >= 1.001e-5:
            raise ValueError(f"`epsilon` must be 1.001e-5 or more; received {epsilon}.")
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape):
        """Creates scale, bias and the moving statistics of the width of the last axis."""

        def weight(name, initializer, trainable):
            return self.add_weight(
                name=name,
                shape=input_shape[-1:],
                initializer=initializer,
                trainable=trainable,
                autocast=False,
                dtype="float32",
                aggregation="mean",
            )

        self.scale = weight("scale", "ones", True)
        self.bias = weight("bias", "zeros", True)
        self.moving_mean = weight("moving_mean", "zeros", False)
        self.moving_variance = weight("moving_variance", "ones", False)

    def call(self, x, training=False):
        """Normalises `x` (..., C)."""
        if not training:
            return self._fused(x, self.moving_mean.value, self.moving_variance.value)[0]
        if tf.distribute.get_strategy().num_replicas_in_sync == 1:
            y, mean, variance = self._fused(x)
        else:
            y, mean, variance = self._synchronized(x)
        for moving, latest in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving.value * self.momentum + latest * (1 - self.momentum))
        return y

    def _fused(self, x, mean=None, variance=None):
        """Normal x, and mean and variance, float32 (C,); by given ones or by those of x."""
        width = x.shape[-1]
        images = x if x.shape.rank == 4 else tf.reshape(x, [-1, 1, 1, width])
        y, batch_mean, unbiased = tf.compat.v1.nn.fused_batch_norm(
            images,
            self.scale.value,
            self.bias.value,
            mean,
            variance,
            epsilon=self.epsilon,
            is_training=mean is None,
        )
        size = tf.cast(tf.size(images) // width, tf.float32)
        return tf.reshape(y, tf.shape(x)), batch_mean, unbiased * (size - 1) / size

    def _synchronized(self, x):
        """The same over all replicas: sums first, then squares around their mean."""
        wide = tf.cast(x, tf.float32)
        axes = list(range(x.shape.rank - 1))
        replica = tf.distribute.get_replica_context()
        size = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
        total, size = replica.all_reduce(
            tf.distribute.ReduceOp.SUM, [tf.reduce_sum(wide, axes), size]
        )
        mean = total / size
        centered = wide - mean
        squares = tf.reduce_sum(tf.square(centered), axes)
        variance = replica.all_reduce(tf.distribute.ReduceOp.SUM, squares) / size
        normal = centered * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(normal * self.scale.value + self.bias.value, x.dtype), mean, variance

    def compute_output_shape(self, input_shape):
        """The shape does not change."""
        return input_shape

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {"momentum": self.momentum, "epsilon": self.epsilon}
        return {**super().get_config(), **own}
