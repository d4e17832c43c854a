import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.losses import (
    Hinge,
    LeastSquares,
    MinMax,
    NonSaturating,
    Relativistic,
    Wasserstein,
)

REAL, FAKE = np.array([0.3, -1.7]), np.array([-0.9, 2.1])


def log(x):
    return np.log(x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# By name: loss, discriminator's numbers, generator's numbers, spelled out as in the papers.
D_REAL, D_FAKE = sigmoid(REAL), sigmoid(FAKE)
EXPECTED = {
    "non_saturating": (NonSaturating(), -log(D_REAL) - log(1 - D_FAKE), -log(D_FAKE)),
    "min_max": (MinMax(), -log(D_REAL) - log(1 - D_FAKE), log(1 - D_FAKE)),
    # (0.7^2 + 0.9^2) / 2 = 0.65; (2.7^2 + 2.1^2) / 2 = 5.85; 1.9^2 / 2 = 1.805; 1.1^2 / 2 = 0.605
    "least_squares": (LeastSquares(), [0.65, 5.85], [1.805, 0.605]),
    # 0.7 + 0.1; 2.7 + 3.1
    "hinge": (Hinge(), [0.8, 5.8], [0.9, -2.1]),
    "wasserstein": (Wasserstein(), [-1.2, 3.8], [0.9, -2.1]),
    "relativistic": (Relativistic(), -log(sigmoid(REAL - FAKE)), -log(sigmoid(FAKE - REAL))),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_both_losses_are_the_formula(name):
    loss, discriminator, generator = EXPECTED[name]
    np.testing.assert_allclose(loss.discriminator_loss(REAL, FAKE), discriminator, rtol=1e-6)
    np.testing.assert_allclose(loss.generator_loss(REAL, FAKE), generator, rtol=1e-6)
    if not loss.needs_real_logits:
        np.testing.assert_allclose(loss.generator_loss(None, FAKE), generator, rtol=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_sure_logits_are_finite_and_their_gradients_too(name, dtype):
    loss, _, _ = EXPECTED[name]
    real, fake = (tf.constant(x, dtype) for x in ([50.0, -50.0], [-50.0, 50.0]))
    for player in (loss.discriminator_loss, loss.generator_loss):
        with tf.GradientTape() as tape:
            tape.watch(fake)
            values = player(real, fake)
        assert values.dtype == tf.float32
        assert np.isfinite(values).all() and np.isfinite(tape.gradient(values, fake)).all()


def test_only_the_non_saturating_generator_learns_from_a_sure_discriminator():
    fake = tf.constant([-30.0])
    slopes = []
    for loss in (NonSaturating(), MinMax()):
        with tf.GradientTape() as tape:
            tape.watch(fake)
            value = loss.generator_loss(None, fake)
        slopes.append(float(tape.gradient(value, fake)[0]))
    np.testing.assert_allclose(slopes[0], -1, atol=1e-6)
    np.testing.assert_allclose(slopes[1], 0, atol=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_config_makes_it_again(name):
    loss, _, _ = EXPECTED[name]
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    twin = keras.saving.deserialize_keras_object(config)
    assert type(twin) is type(loss)
