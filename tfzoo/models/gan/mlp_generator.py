"""A generator of fully connected layers, for points, vectors and small images.

B batch, Z latent_dim.
"""

import math

import keras
import tensorflow as tf

from tfzoo.layers import ConditionalLatent, leaky_relu
from tfzoo.models.arguments import require_classes, require_dims


@keras.saving.register_keras_serializable(package="tfzoo")
class MLPGenerator(keras.Model):
    """Latent vectors through fully connected layers with leaky ReLUs to data of any shape.

    Args:
        data_shape: tuple of int, shape of one sample: (28, 28, 1) for images, (2,) for points.
        hidden_dims: tuple of int, widths of the hidden layers.
        num_classes: optional int; the generator is then told a label.
        output_activation: Keras activation name; "tanh" ends in [-1, 1] as images do, None leaves
            points where they are.
        negative_slope: float, of the leaky ReLUs; 0 makes them plain ones.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: latents float (B, Z), or `[latents, labels]` with labels int (B,).
        training: bool, without effect.

    Returns:
        float32 (B, *data_shape).

    Source: Goodfellow et al. 2014, section 5.
    """

    def __init__(
        self,
        data_shape,
        hidden_dims=(256, 512),
        num_classes=None,
        output_activation="tanh",
        negative_slope=0.2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        require_dims(data_shape=data_shape, hidden_dims=hidden_dims)
        require_classes(num_classes)

        # Layers
        def dense(width, name):
            return keras.layers.Dense(
                width, kernel_initializer="he_normal", dtype=self.dtype_policy, name=name
            )

        self.condition = None
        if num_classes:
            self.condition = ConditionalLatent(
                num_classes, hidden_dims[0] // 4 or 1, dtype=self.dtype_policy, name="condition"
            )
        self.hidden = [dense(width, f"hidden_{n}") for n, width in enumerate(hidden_dims)]
        self.outputs_layer = dense(math.prod(data_shape), "samples")

        # Config
        self.data_shape = tuple(data_shape)
        self.hidden_dims = tuple(hidden_dims)
        self.num_classes = num_classes
        self.output_activation = output_activation
        self.negative_slope = negative_slope

    def call(self, inputs, training=False):
        """Returns samples."""
        x = self.condition(*inputs) if self.condition else inputs
        for layer in self.hidden:
            x = leaky_relu(layer(x), self.negative_slope)
        x = tf.cast(self.outputs_layer(x), tf.float32)
        x = keras.activations.get(self.output_activation)(x)
        return tf.reshape(x, [-1, *self.data_shape])

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "data_shape": self.data_shape,
            "hidden_dims": self.hidden_dims,
            "num_classes": self.num_classes,
            "output_activation": self.output_activation,
            "negative_slope": self.negative_slope,
        }
