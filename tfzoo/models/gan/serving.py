"""What an exported GAN serves, and what it refuses, in its graph and in one sentence."""

import tensorflow as tf

from tfzoo.models.gan.generation import latents_of, make
from tfzoo.models.gan.samples import checked


def serving_functions(self):
    """What `tfzoo.export` puts into a SavedModel: names, functions and their inputs.

    `generate`: n int32, seed int32 and, with classes, labels int32 (n,) -> samples float32
    (n, ...). `generate_from_latent`: latents float32 (B, Z) and labels -> the same. `discriminate`:
    samples float32 (B, ...), images in [-1, 1], and labels -> logits float32 (B / packing,). One
    label (1,) does for all.
    """
    scalar = [tf.TensorSpec([], tf.int32, name) for name in ("n", "seed")]
    latents = tf.TensorSpec([None, self.latent_dim], tf.float32, "latents")
    samples = tf.TensorSpec([None, *self.data_shape], tf.float32, "samples")
    labels = [] if self.num_classes is None else [tf.TensorSpec([None], tf.int32, "labels")]

    def generate(n=1, seed=0, labels=None):
        """Draws samples."""
        n = asserted(n, n >= 1, "`n` must be 1 or more; received", n)
        return make(self, latents_of(seed, n, self.latent_dim), labels_of_each(self, labels, n))

    def generate_from_latent(latents, labels=None):
        """Draws the samples that latent vectors stand for."""
        return make(self, latents, labels_of_each(self, labels, tf.shape(latents)[0]))

    def discriminate(samples, labels=None):
        """Says how real samples look: above 0 like real ones."""
        n = tf.shape(samples)[0]
        sentence = f"There must be a multiple of packing={self.packing} samples; received"
        samples = asserted(samples, n % self.packing == 0, sentence, n)
        return {"logits": self.logits_of(samples, labels_of_each(self, labels, n))}

    return {
        "generate": (generate, [*scalar, *labels]),
        "generate_from_latent": (generate_from_latent, [latents, *labels]),
        "discriminate": (discriminate, [samples, *labels]),
    }


def labels_of_each(task, labels, n):
    """Labels int32 (n,) in [0, num_classes), or None where there are no classes."""
    if labels is None:
        return None
    found = tf.size(labels)
    sentence = "`labels` must be one label for all samples, or one for each; received of both"
    labels = asserted(labels, (found == n) | (found == 1), sentence, tf.stack([found, n]))
    return tf.broadcast_to(checked(task, labels), [n])


def asserted(x, condition, sentence, value):
    """`x`, after `condition` was found true; else the sentence and the value are raised."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [sentence, value])]):
        return tf.identity(x)
