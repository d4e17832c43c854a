"""How much there is to do for a batch of samples, and how fast both players learn."""

import tensorflow as tf

from tfzoo.models.gan.samples import IMAGE_RANK
from tfzoo.models.work import forward_operations, learning_rate_of


@property
def learning_rates(self):
    """Dict of name in the logs and float: the rate of the step to come, of each player."""
    return {
        "generator_learning_rate": learning_rate_of(self.generator_optimizer),
        "discriminator_learning_rate": learning_rate_of(self.discriminator_optimizer),
    }


@property
def work_unit(self):
    """What `Throughput` counts."""
    return "images" if len(self.data_shape) == IMAGE_RANK else "samples"


def work_of(self, batch):
    """Counts what is in a batch, without penalties: float64 (2,), samples and operations."""
    rows = tf.cast(tf.shape(tf.nest.flatten(batch)[0])[0], tf.float64)
    return rows * tf.constant([1.0, operations_per_sample(self)], tf.float64)


def operations_per_sample(task):
    """Operations of both updates for one real sample.

    With `g` and `d` those of the networks for a sample, forwards, and twice as many backwards: the
    discriminator moves by a fake `g + d` and a real `d`, and back `2 d` for each. The generator,
    every `discriminator_steps`, by `g + d`, perhaps a real `d`, and back `2 g`, and `d` for its
    inputs alone.
    """
    labels = [] if task.num_classes is None else [tf.TensorSpec([1], tf.int32)]
    *sides, channels = task.data_shape
    seen = tf.TensorSpec([1, *sides, task.packing * channels])
    g = forward_operations(task.generator, tf.TensorSpec([1, task.latent_dim]), *labels)
    d = forward_operations(task.discriminator, seen, *labels) / task.packing
    reals = 1 if task.objective.needs_real_logits else 0
    return g + 6 * d + (3 * g + (2 + reals) * d) / task.discriminator_steps
