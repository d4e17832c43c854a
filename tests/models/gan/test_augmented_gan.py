"""A discriminator that sees everything through an augmentation."""

import keras
import numpy as np
import tensorflow as tf

from tests.models.gan.conftest import mlp_gan
from tests.models.gan.test_gan_step import uniform_of
from tfzoo.losses import R1, Consistency
from tfzoo.models import GAN, DCGANDiscriminator, DCGANGenerator
from tfzoo.models.gan.noise import Rows
from tfzoo.preprocessing import AdaptiveAugment, DiffAugment

SHAPE = (8, 8, 1)


def test_both_players_see_through_the_augmentation(rng):
    gan, augment = mlp_gan(SHAPE), DiffAugment()
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), augmentation=augment)
    state = tf.cast(gan.seed_generator.state.value, tf.int32)
    real = rng.uniform(-1, 1, (6, *SHAPE)).astype("float32")
    noise = [
        uniform_of(
            tf.random.experimental.stateless_fold_in(state + [0, step], 1, alg="philox"), 6, 7
        ).astype("float32")
        for step in (0, 1)
    ]
    expected = np.mean(gan.discriminator(augment(real, noise[0])))
    gan.run_eagerly = True
    gan.discriminator_step(tf.constant(real))
    logs = gan.results(gan.metrics)
    np.testing.assert_allclose(logs["real_logits"], expected, rtol=1e-4)
    critic = gan._critic(None, gan.seed_generator.next(), Rows(0, 6, 6))
    np.testing.assert_allclose(
        critic(tf.constant(real)), gan.discriminator(augment(real, noise[1]))[:, 0], atol=1e-5
    )


def test_judgements_outside_training_are_not_augmented(rng):
    gan = mlp_gan(SHAPE)
    gan.compile(augmentation=DiffAugment())
    images = rng.uniform(-1, 1, (6, *SHAPE)).astype("float32")
    np.testing.assert_allclose(gan.discriminate(images), gan.discriminator(images)[:, 0], atol=1e-6)


def test_the_probability_rises_when_the_discriminator_knows_its_images(rng, tmp_path):
    gan = mlp_gan(SHAPE)
    gan.compile(
        augmentation=AdaptiveAugment(num_images=60),
        regularizers=[R1(0.1), Consistency(DiffAugment("translation"), 0.1)],
        run_eagerly=True,
    )
    gan.discriminator.logit.bias.assign([50.0])  # all logits positive: it is sure
    real = rng.uniform(-1, 1, (6, *SHAPE)).astype("float32")
    for step in (1, 2, 3):
        logs = gan.train_step(real)
        np.testing.assert_allclose(gan.augmentation_probability, 0.1 * step, rtol=1e-5)
    np.testing.assert_allclose(logs["augmentation_probability"], 0.2, rtol=1e-5)  # mean of three
    gan.save(tmp_path / "gan.keras")
    back = keras.models.load_model(tmp_path / "gan.keras")
    np.testing.assert_allclose(back.augmentation_probability, 0.3, rtol=1e-5)
    assert back.augmentation.num_images == 60 and back.is_adaptive
    np.testing.assert_array_equal(back.seed_generator.state, gan.seed_generator.state)
    gan.discriminator.logit.bias.assign([-50.0])
    gan.train_step(real)
    np.testing.assert_allclose(gan.augmentation_probability, 0.2, rtol=1e-5)


def test_two_replicas_are_one_device_with_all_that_is_drawn_and_noted(rng, two_replicas):
    images = rng.uniform(-1, 1, (8, *SHAPE)).astype("float32")
    results = []
    for strategy in (tf.distribute.OneDeviceStrategy("CPU:0"), two_replicas):
        with strategy.scope():
            keras.utils.set_random_seed(5)
            discriminator = DCGANDiscriminator(SHAPE, 3, spectral_norm=True, dropout=0.0)
            gan = GAN(DCGANGenerator(SHAPE, 4), discriminator, latent_dim=5, seed=3)
            gan.compile(
                keras.optimizers.SGD(0.1),
                keras.optimizers.SGD(0.1),
                regularizers=[Consistency(DiffAugment("translation"), 0.1)],
                augmentation=AdaptiveAugment(num_images=60, target=-1.5),
            )
        gan.fit(tf.data.Dataset.from_tensors(images).repeat(2), verbose=0)
        results.append(gan.get_weights())
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    np.testing.assert_allclose(gan.augmentation_probability, 2 * 8 / 60, rtol=1e-5)
