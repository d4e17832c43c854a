"""How a generator is told a class, and how a discriminator asks for it.

B batch, Z latent_dim, D features.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class ConditionalLatent(keras.layers.Layer):
    """Appends an embedding of the label to the latent vector.

    Args:
        num_classes: int.
        embedding_dim: int, E.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        latents: float (B, Z).
        labels: int (B,) in [0, num_classes).

    Returns:
        (B, Z + E).

    Source: Mirza & Osindero 2014, "Conditional generative adversarial nets", section 3.2.
    """

    def __init__(self, num_classes, embedding_dim, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.embedding_dim = embedding_dim

    def build(self, latents_shape, labels_shape=None):
        """Creates one vector for each class, as long as a latent vector is per number."""
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.num_classes, self.embedding_dim),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )

    def call(self, latents, labels):
        """Returns `[z, e(y)]`."""
        embedded = tf.gather(self.embeddings, tf.cast(labels, tf.int32))
        return tf.concat([tf.cast(latents, embedded.dtype), embedded], axis=-1)

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {"num_classes": self.num_classes, "embedding_dim": self.embedding_dim}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="tfzoo")
class ProjectionLogit(keras.layers.Layer):
    """The logit of features: `w f + b`, and for labelled ones `w f + b + e(y) f`.

    Args:
        num_classes: int, or None for data without labels.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        features: float (B, D).
        labels: int (B,) in [0, num_classes), or None.

    Returns:
        (B, 1).

    Source: Miyato & Koyama 2018, "cGANs with projection discriminator", equation 4.
    """

    def __init__(self, num_classes=None, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def build(self, features_shape, labels_shape=None):
        """Creates w, b and a vector for each class."""
        width = features_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(width, 1), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")
        if self.num_classes:
            self.embeddings = self.add_weight(
                name="embeddings",
                shape=(self.num_classes, width),
                initializer=keras.initializers.RandomNormal(stddev=width**-0.5),
            )

    def call(self, features, labels=None):
        """Returns the logits."""
        logits = tf.matmul(features, self.kernel) + self.bias
        if self.num_classes:
            projected = features * tf.gather(self.embeddings, tf.cast(labels, tf.int32))
            logits += tf.reduce_sum(projected, axis=-1, keepdims=True)
        return logits

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "num_classes": self.num_classes}
