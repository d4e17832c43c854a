"""The running average of a generator: smoother than the weights that are still being fought over.

Source: Yazıcı et al. 2019, "The unusual effectiveness of averaging in GAN training".
"""

import tensorflow as tf

from tfzoo.models.gan.noise import Rows, fold_in, normal


def copy_of(task, generator, **changes):
    """A generator of a task once more, with the same weights, made under the task's strategy.

    Args:
        task: a `GAN`.
        generator: its generator, or the average of it.
        **changes: of its config.

    Returns:
        A network that no step trains.
    """
    config = {**generator.get_config(), **changes}
    with task.distribute_strategy.scope():
        copy = type(generator).from_config(config)
        latents, labels = tf.zeros([1, task.latent_dim]), tf.zeros([1], tf.int32)
        copy(task.inputs_of(latents, labels))
    copy.trainable = False
    copy.set_weights(generator.get_weights())
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


def settle_statistics(self, num_batches=50, batch_size=128, seed=0):
    """Measures anew what batch normalisation of the generator that `generate` uses goes by.

    In training the moving statistics follow the generator's, while its average has moments of its
    own. Here they become the mean moments of fresh batches, each counting alike.

    Args:
        num_batches: int.
        batch_size: int, latents of a batch.
        seed: int, of the latents.

    Source: Brock et al. 2019, "Large scale GAN training" (BigGAN), appendix C.1, "standing
    statistics".
    """
    network = self.average_generator or self.generator
    layers = [layer for layer in sublayers(network) if hasattr(layer, "moving_mean")]
    momenta = [layer.momentum for layer in layers]
    trainable = network.trainable
    network.trainable = True
    rows = Rows(0, batch_size, batch_size)
    try:
        for number in range(num_batches):
            for layer in layers:
                layer.momentum = number / (number + 1)
            stream = fold_in(tf.stack([seed, 2]), number)
            latents = normal(stream, rows, self.latent_dim)
            labels = tf.range(batch_size) % (self.num_classes or 1)
            network(self.inputs_of(latents, labels), training=True)
    finally:
        network.trainable = trainable
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def sublayers(layer):
    """All layers inside a model, at any depth."""
    for part in getattr(layer, "layers", ()):
        yield part
        yield from sublayers(part)
