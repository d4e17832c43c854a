"""What no GAN can be made of, and what no GAN can be asked: one sentence each."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.gan.conftest import mlp_gan
from tfzoo.models import (
    GAN,
    DCGANDiscriminator,
    DCGANGenerator,
    MLPDiscriminator,
    MLPGenerator,
    ResidualDiscriminator,
    ResidualGenerator,
)
from tfzoo.preprocessing import DiffAugment


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: DCGANGenerator("28"), "`image_shape` must be a tuple of 3 ints.* received '28'"),
        (lambda: DCGANGenerator((28, 28)), r"a tuple of 3 ints.* received \(28, 28\)"),
        (lambda: DCGANGenerator((28, 28.0, 1)), r"a tuple of 3 ints.* received \(28, 28.0, 1\)"),
        (lambda: DCGANGenerator((8, 8, 1), 0.5), "`base_dim` must be an int, 1 or more; .* 0.5"),
        (lambda: DCGANDiscriminator((8, 8, 1), kernel_size=True), "`kernel_size` must be an int"),
        (lambda: DCGANDiscriminator((8, 8, 1), num_classes=0), "`num_classes` must be an int, 1"),
        (lambda: MLPGenerator(3), "`data_shape` must be a tuple of ints, each 1 or more; .* 3"),
        (lambda: MLPGenerator((3,), ()), r"`hidden_dims` must be a tuple of ints.* received \(\)"),
        (lambda: MLPDiscriminator("11"), "`hidden_dims` must be a tuple of ints.* '11'"),
        (lambda: ResidualGenerator((8, 8, 1), (16, -16)), r"`widths` must be .* \(16, -16\)"),
        (lambda: ResidualDiscriminator((8, 8, 1), (16, 16), "2"), "`blocks_per_stage` must be an"),
        (lambda: GAN(None, MLPDiscriminator(), 5), "`generator` must be a Keras model.* None"),
        (lambda: GAN(MLPGenerator((3,)), "mlp", 5), "`discriminator` must be a Keras .* 'mlp'"),
        (lambda: GAN(MLPGenerator((3,)), MLPDiscriminator(), 5.0), "`latent_dim` must be an int"),
    ],
)
def test_networks_refuse_sizes_that_are_none(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda gan: gan.generate(1, seed=2**31), "`seed` must be an int of 32 bits.* 2147483648"),
        (lambda gan: gan.generate(1, seed="1"), "`seed` must be an int of 32 bits.* received '1'"),
        (lambda gan: gan.generate(1, truncation="a"), "`truncation` must be above 0.* 'a'"),
        (lambda gan: gan.interpolate(0.5, 2, 3), "`a` must be an int of 32 bits.* received 0.5"),
        (lambda gan: gan.predict(np.zeros([2, 4])), r"latents \(B, 5\); received \(2, 4\)"),
        (lambda gan: gan.predict([np.zeros([2, 5])] * 2), r"received \(2, 5\) and \(2, 5\)"),
        (lambda gan: gan.evaluate(np.zeros([2, 2, 3, 1]), metrics=len), "`metrics` must be a list"),
        (
            lambda gan: gan.evaluate(
                np.zeros([2, 2, 3, 1]), verbose=0, metrics=[lambda real, fake: 0.5]
            ),
            "`metrics` must return a dict of numbers with names; received 0.5",
        ),
        (lambda gan: gan.fit([np.zeros([2, 2, 3, 1])] * 2), "must be one array; received two"),
    ],
)
def test_a_gan_refuses_what_it_cannot_answer(ask, sentence):
    gan = mlp_gan()
    gan.compile()
    with pytest.raises(ValueError, match=sentence):
        ask(gan)


def test_prediction_with_classes_wants_labels():
    gan, latents = mlp_gan(num_classes=7), np.zeros([2, 5])
    assert gan.predict([latents, np.array([0, 6])], verbose=0).shape == (2, 2, 3, 1)
    with pytest.raises(ValueError, match=r"`\[latents \(B, 5\), labels \(B,\)\]`; received \(2, 5"):
        gan.predict(latents)
    with pytest.raises(ValueError, match="whole numbers in .* num_classes=7; received 7"):
        gan.predict([latents, np.array([0, 7])])


def test_points_are_not_augmented_as_images():
    with pytest.raises(ValueError, match=r"samples that are no images.* of shape \(3,\)"):
        mlp_gan((3,)).compile(augmentation=DiffAugment())


def test_a_dataset_is_refused_in_one_sentence():
    gan, images = mlp_gan(), np.zeros([4, 2, 3, 1], "uint8")
    gan.compile()
    with pytest.raises(ValueError, match=r"^Samples must be one array; received two\."):
        gan.fit(tf.data.Dataset.from_tensors((images, images)))
