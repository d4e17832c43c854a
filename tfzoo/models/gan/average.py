"""The running average of a generator: smoother than the weights that are still being fought over.

Source: Yazıcı et al. 2019, "The unusual effectiveness of averaging in GAN training".
"""

import tensorflow as tf


def copy_of(task):
    """Returns another generator with the same weights, made under the strategy of the task."""
    config = {**task.generator.get_config(), "name": "average_generator"}
    with task.distribute_strategy.scope():
        copy = type(task.generator).from_config(config)
        latents, labels = tf.zeros([1, task.latent_dim]), tf.zeros([1], tf.int32)
        copy(task.inputs_of(latents, labels))
    copy.trainable = False
    copy.set_weights(task.generator.get_weights())
    return copy


def average_step(task):
    """Moves the average a little towards the generator, moving statistics of batches included.

    At step t the decay is at most `(1 + t) / (10 + t)`, so that the start is soon forgotten.
    """
    steps = tf.cast(task.generator_optimizer.iterations, tf.float32)
    decay = tf.minimum(task.generator_average, (1 + steps) / (10 + steps))
    pairs = zip(task.average_generator.weights, task.generator.weights, strict=True)
    for mean, latest in pairs:
        if "float" in mean.dtype:
            share = tf.cast(1 - decay, mean.dtype)
            mean.assign(mean.value + share * (latest.value - mean.value))
