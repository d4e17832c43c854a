"""DCGAN on images of 28x28: tfzoo's networks and step, and those of Keras's examples.

Both have the same sizes, dropout included. Only where it is measured how far the losses come apart
do both steps have the same networks, without dropout, whose masks would differ.
"""

import keras
import numpy as np
import tensorflow as tf

from benchmarks.keras_turns import TurnsOfSteps
from benchmarks.tfzoo_gpt import FOR_EVER
from tfzoo.models import GAN, DCGANDiscriminator, DCGANGenerator
from tfzoo.optimizers import Adam

LATENT_DIM = 100
SHAPE = (28, 28, 1)
RATE, BETA_1 = 2e-4, 0.5
DROPOUT, NEGATIVE_SLOPE = 0.3, 0.2


class TwoTapes(keras.Model):
    """The GAN of keras.io's examples: "DCGAN to generate face images", with logits.

    One forward pass of the discriminator over generated and real images together, then one of both
    networks for the generator. Losses are sums over the two kinds of images, as tfzoo's are.
    """

    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        self.seeds = keras.random.SeedGenerator(0)
        self.means = [
            keras.metrics.Mean(name="generator_loss"),
            keras.metrics.Mean(name="discriminator_loss"),
        ]

    @property
    def metrics(self):
        return self.means

    def compile(self, **kwargs):
        super().compile(**kwargs)
        self.optimizers = [keras.optimizers.Adam(RATE, BETA_1) for _ in range(2)]

    def train_step(self, data):
        real, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        batch_size = tf.shape(real)[0]
        latents = keras.random.normal([batch_size, LATENT_DIM], seed=self.seeds)
        generated = self.generator(latents, training=True)
        images = tf.concat([generated, real], axis=0)
        labels = tf.concat([tf.zeros([batch_size, 1]), tf.ones([batch_size, 1])], axis=0)
        with tf.GradientTape() as tape:
            logits = self.discriminator(images, training=True)
            discriminator_loss = 2 * self.cross_entropy(labels, logits)
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(discriminator_loss, variables)
        self.optimizers[1].apply_gradients(zip(gradients, variables, strict=True))

        latents = keras.random.normal([batch_size, LATENT_DIM], seed=self.seeds)
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.generator(latents, training=True), training=True)
            generator_loss = self.cross_entropy(tf.ones([batch_size, 1]), logits)
        variables = self.generator.trainable_variables
        gradients = tape.gradient(generator_loss, variables)
        self.optimizers[0].apply_gradients(zip(gradients, variables, strict=True))

        for mean, loss in zip(self.means, [generator_loss, discriminator_loss], strict=True):
            mean.update_state(loss)
        return {mean.name: mean.result() for mean in self.means}


def train(turns, peer, base_dim, dtype, batch_size, steps):
    """Trains on one batch again and again, from the end of one step to the end of a later one."""
    keras.utils.set_random_seed(0)
    networks = keras_networks if peer == "keras" else our_networks
    model = build(peer, *networks(base_dim, dtype))
    images = tf.data.Dataset.from_tensors(batch(batch_size)).repeat()
    clock = TurnsOfSteps(turns, warm_up=3, steps=steps, tokens=batch_size, loss="generator_loss")
    model.fit(images, steps_per_epoch=FOR_EVER, verbose=0, callbacks=[clock])


def agreement(turns, base_dim, batch_size, steps):
    """Says how far the losses of both steps come apart, from the same weights, data and noise."""
    random = np.random.default_rng(0)
    images = np.clip(random.normal(size=(steps, batch_size, *SHAPE)) / 3, -1, 1).astype("float32")
    losses, weights = {}, None
    for peer in ("tfzoo", "keras"):
        generator, discriminator = our_networks(base_dim, "float32", dropout=0.0)
        model = build(peer, OwnNoise(generator), discriminator)
        networks = [model.generator, model.discriminator]
        weights = weights or [network.get_weights() for network in networks]
        for network, values in zip(networks, weights, strict=True):
            network.set_weights(values)
        logs = [losses_of(model.train_on_batch(some, return_dict=True), model) for some in images]
        losses[peer] = np.array(logs)
    ours, theirs = losses.values()
    relative = np.abs(ours - theirs) / np.abs(theirs)
    turns.ready(largest=float(relative.max()), first=float(relative[0].max()), steps=steps)


def losses_of(logs, model):
    """The losses of one step: Keras reports means since the last reset."""
    model.reset_metrics()
    return [float(logs[name]) for name in ("generator_loss", "discriminator_loss")]


class OwnNoise(keras.Model):
    """A generator that draws its own latents, by counting, so that two of them draw the same."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator
        self.num_calls = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    def call(self, latents, training=False):
        seed = tf.stack([tf.convert_to_tensor(self.num_calls), 0])
        self.num_calls.assign_add(1)
        noise = tf.random.stateless_normal(tf.shape(latents), seed, alg="philox")
        return self.generator(noise, training=training)


def build(peer, generator, discriminator):
    if peer == "keras":
        generator(tf.zeros([2, LATENT_DIM])), discriminator(tf.zeros([2, *SHAPE]))
        model = TwoTapes(generator, discriminator)
        model.compile()
        return model
    model = GAN(generator, discriminator, LATENT_DIM)
    optimizers = [Adam(RATE, BETA_1) for _ in range(2)]
    model.compile(*optimizers, generator_average=None)
    return model


def our_networks(base_dim, dtype, dropout=DROPOUT):
    discriminator = DCGANDiscriminator(SHAPE, base_dim, dropout=dropout, dtype=dtype)
    return DCGANGenerator(SHAPE, base_dim, dtype=dtype), discriminator


def keras_networks(base_dim, dtype):
    """The same sizes, of Keras's layers."""
    layers = keras.layers

    def normal():
        return [layers.BatchNormalization(momentum=0.9, dtype=dtype), leaky()]

    def leaky():
        return layers.LeakyReLU(NEGATIVE_SLOPE, dtype=dtype)

    def doubled(width, **arguments):
        return layers.Conv2DTranspose(width, 4, 2, padding="same", dtype=dtype, **arguments)

    def halved(width):
        convolution = layers.Conv2D(width, 4, 2, padding="same", dtype=dtype)
        return [convolution, leaky(), layers.Dropout(DROPOUT, dtype=dtype)]

    generator = keras.Sequential(
        [
            layers.Dense(7 * 7 * 2 * base_dim, use_bias=False, dtype=dtype),
            layers.Reshape((7, 7, 2 * base_dim), dtype=dtype),
            *normal(),
            doubled(base_dim, use_bias=False),
            *normal(),
            doubled(1),
            layers.Activation("tanh", dtype="float32"),
        ]
    )
    ends = [layers.Flatten(dtype=dtype), layers.Dense(1, dtype=dtype)]
    ends.append(layers.Activation("linear", dtype="float32"))
    discriminator = keras.Sequential([*halved(base_dim), *halved(2 * base_dim), *ends])
    return generator, discriminator


def batch(size):
    images = np.random.default_rng(0).uniform(-1, 1, size=(size, *SHAPE))
    return images.astype(np.float32)
