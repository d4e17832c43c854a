"""A discriminator of fully connected layers, for points, vectors and small images."""

import keras
import tensorflow as tf

from tfzoo.layers import Dropout, ProjectionLogit, leaky_relu
from tfzoo.models.arguments import require_classes, require_dims


@keras.saving.register_keras_serializable(package="tfzoo")
class MLPDiscriminator(keras.Model):
    """Samples of any shape, flattened, through fully connected layers to a logit.

    Args:
        hidden_dims: tuple of int, widths of the hidden layers.
        num_classes: optional int; the discriminator then also asks whether the label fits.
        dropout: float in [0, 1), after each hidden layer.
        negative_slope: float, of the leaky ReLUs; 0 makes them plain ones.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: samples float (B, ...), or `[samples, labels]` with labels int (B,).
        training: bool, whether dropout acts.

    Returns:
        Logits (B, 1).

    Source: Goodfellow et al. 2014, section 5.
    """

    def __init__(
        self, hidden_dims=(512, 256), num_classes=None, dropout=0.0, negative_slope=0.2, **kwargs
    ):
        super().__init__(**kwargs)
        require_dims(hidden_dims=hidden_dims)
        require_classes(num_classes)

        # Layers
        self.hidden = [
            keras.layers.Dense(
                width,
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
                name=f"hidden_{number}",
            )
            for number, width in enumerate(hidden_dims)
        ]
        self.dropouts = [
            Dropout(dropout, dtype=self.dtype_policy, name=f"dropout_{number}")
            for number, _ in enumerate(hidden_dims)
        ]
        self.logit = ProjectionLogit(num_classes, dtype=self.dtype_policy, name="logit")

        # Config
        self.hidden_dims = tuple(hidden_dims)
        self.num_classes = num_classes
        self.dropout = dropout
        self.negative_slope = negative_slope

    def call(self, inputs, training=False):
        """Returns logits."""
        samples, labels = inputs if self.num_classes else (inputs, None)
        x = tf.reshape(samples, [-1, samples.shape[1:].num_elements()])
        for layer, dropout in zip(self.hidden, self.dropouts, strict=True):
            x = dropout(leaky_relu(layer(x), self.negative_slope), training=training)
        return self.logit(x, labels)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hidden_dims": self.hidden_dims,
            "num_classes": self.num_classes,
            "dropout": self.dropout,
            "negative_slope": self.negative_slope,
        }
