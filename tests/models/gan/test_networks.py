"""Every generator and discriminator: shapes, configs, gradients, and what they refuse."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.models import (
    DCGANDiscriminator,
    DCGANGenerator,
    MLPDiscriminator,
    MLPGenerator,
    ResidualDiscriminator,
    ResidualGenerator,
)
from tfzoo.models.gan.image_sides import doublings

SHAPE, CLASSES = (12, 8, 2), 7
RESIDUAL = dict(blocks_per_stage=2, num_classes=CLASSES, expansion=2, group_size=3)
# Every argument differs from its default.
GENERATORS = {
    "mlp": (MLPGenerator, dict(data_shape=SHAPE, hidden_dims=(11, 13), num_classes=CLASSES)),
    "dcgan": (
        DCGANGenerator,
        dict(image_shape=SHAPE, base_dim=6, num_classes=CLASSES, kernel_size=5, batch_norm=False),
    ),
    "residual": (ResidualGenerator, dict(image_shape=SHAPE, widths=(9, 6), **RESIDUAL)),
}
DISCRIMINATORS = {
    "mlp": (MLPDiscriminator, dict(hidden_dims=(13, 11), num_classes=CLASSES, dropout=0.25)),
    "dcgan": (
        DCGANDiscriminator,
        dict(
            image_shape=SHAPE,
            base_dim=5,
            num_classes=CLASSES,
            kernel_size=3,
            batch_norm=True,
            spectral_norm=True,
            dropout=0.25,
            negative_slope=0.1,
        ),
    ),
    "residual": (ResidualDiscriminator, dict(image_shape=SHAPE, widths=(6, 9), **RESIDUAL)),
}


def inputs(kind, rows=3):
    rng = np.random.default_rng(5)
    shape = (5,) if kind == "generator" else SHAPE
    x = rng.normal(size=(rows, *shape)).astype("float32")
    return [x, rng.integers(0, CLASSES, rows).astype("int32")]


@pytest.fixture(params=GENERATORS)
def name(request):
    return request.param


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_shapes_configs_and_gradients(name, kind):
    cls, arguments = (GENERATORS if kind == "generator" else DISCRIMINATORS)[name]
    network, x = cls(**arguments), inputs(kind)
    y = network(x)
    assert y.shape == ((3, *SHAPE) if kind == "generator" else (3, 1))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(network)))
    twin = keras.saving.deserialize_keras_object(config)
    for argument, value in arguments.items():
        assert getattr(twin, argument) == value, argument
    twin(x)
    # Blocks that start at zero would hide a missing gradient behind them.
    for variable in network.trainable_variables:
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.1))
    twin.set_weights(network.get_weights())
    np.testing.assert_array_equal(twin(x), network(x))
    assert np.abs(network([x[0], (x[1] + 1) % CLASSES]) - network(x)).max() > 1e-4
    with tf.GradientTape() as tape:
        y = network(x, training=True)
        loss = tf.reduce_sum(y * np.random.default_rng(3).normal(size=y.shape))
    gradients = tape.gradient(loss, network.trainable_variables)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        gradient = tf.convert_to_tensor(gradient)
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0, variable.path


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_half_precision_is_close(name, kind):
    cls, arguments = (GENERATORS if kind == "generator" else DISCRIMINATORS)[name]
    wide, narrow = cls(**arguments), cls(**arguments, dtype="mixed_bfloat16")
    x = inputs(kind)
    wide(x), narrow(x)
    narrow.set_weights(wide.get_weights())
    difference = np.abs(tf.cast(narrow(x), tf.float32) - wide(x)).max()
    assert 0 < difference < 0.05 * max(1, np.abs(wide(x)).max())


def test_generated_numbers_are_float32_and_images_of_tanh_are_in_range():
    for cls, arguments in GENERATORS.values():
        network = cls(**arguments, dtype="mixed_bfloat16")
        assert network(inputs("generator")).dtype == tf.float32
    network = DCGANGenerator(SHAPE, 6)
    assert np.abs(network(1e4 * inputs("generator")[0])).max() <= 1


@pytest.mark.parametrize(
    "sides, smallest, number",
    [
        ((28, 28), (7, 7), 2),
        ((8, 8), (4, 4), 1),
        ((64, 64), (4, 4), 4),
        ((24, 20), (6, 5), 2),
    ],
)
def test_images_grow_from_a_few_pixels(sides, smallest, number):
    assert doublings((*sides, 3)) == (smallest, number)


@pytest.mark.parametrize("sides", [(7, 7), (30, 30), (28, 64), (4, 4)])
def test_sides_that_are_no_doublings_are_refused(sides):
    with pytest.raises(ValueError, match="4, 5, 6 or 7 doubled at least once"):
        DCGANGenerator((*sides, 1))


@pytest.mark.parametrize("cls", [ResidualGenerator, ResidualDiscriminator])
def test_stages_must_fit_the_image(cls):
    with pytest.raises(ValueError, match=r"must have 3 numbers for images of shape \(28, 28, 1\)"):
        cls((28, 28, 1), widths=(8, 8))


@pytest.mark.parametrize("size", [8, 16, 28, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_dcgan_makes_and_judges_images_of_many_sizes(size, channels):
    shape = (size, size, channels)
    images = DCGANGenerator(shape, 2)(tf.ones([2, 5]))
    assert images.shape == (2, *shape)
    assert DCGANDiscriminator(shape, 2)(images).shape == (2, 1)
