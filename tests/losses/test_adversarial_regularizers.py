import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.losses import R1, R2, Consistency, Critique, GradientPenalty
from tfzoo.optimizers import WarmupCosine

# A critic with a known slope: d(x) = sum(w x) + c sum(x^2) / 2, so grad d = w + c x.
W = np.array([[0.5, -1.5], [2.0, 0.25]], "float32")
C = 0.3
REAL = np.array([[[1.0, 2.0], [-1.0, 0.5]], [[0.1, -0.7], [0.0, 3.0]]], "float32")
FAKE = np.array([[[-2.0, 1.0], [0.4, 0.6]], [[1.1, 1.3], [-0.2, 0.9]]], "float32")


def critic(x):
    return tf.reduce_sum(W * x + C / 2 * tf.square(x), axis=[1, 2])


def slopes(x):
    return W + C * x


def square_norms(x):
    return np.square(x).reshape(2, -1).sum(axis=1)


def critique(noise=None, step=0):
    logits = critic(REAL), critic(FAKE)
    return Critique(critic, REAL, FAKE, *logits, slopes(REAL), slopes(FAKE), noise=noise, step=step)


def test_r1_is_half_the_squared_slope_at_real_samples():
    expected = 7 / 2 * square_norms(slopes(REAL))
    np.testing.assert_allclose(R1(7.0)(critique()), expected, rtol=1e-6)
    assert R1.slopes_at == ("real",)


def test_r2_is_half_the_squared_slope_at_fakes():
    expected = 7 / 2 * square_norms(slopes(FAKE))
    np.testing.assert_allclose(R2(7.0)(critique()), expected, rtol=1e-6)
    assert R2.slopes_at == ("fake",)


def test_gradient_penalty_is_taken_between_real_and_fake():
    noise = np.array([[0.25], [0.8]], "float32")
    mixed = noise[..., None] * REAL + (1 - noise[..., None]) * FAKE
    expected = 10 * (np.sqrt(square_norms(slopes(mixed))) - 2) ** 2
    found = GradientPenalty(10.0, target=2.0)(critique(noise))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_gradient_penalty_of_a_flat_critic_is_finite_with_its_gradient():
    scale = tf.Variable(0.0)
    flat = dataclasses.replace(
        critique(np.full([2, 1], 0.5, "float32")), critic=lambda x: scale * critic(x)
    )
    with tf.GradientTape() as tape:
        penalty = GradientPenalty(1.0)(flat)
    np.testing.assert_allclose(penalty, 1, rtol=1e-5)
    assert np.isfinite(tape.gradient(penalty, scale))


def test_packed_samples_are_penalised_together():
    def packed_critic(x):
        return tf.reduce_sum(critic(x), keepdims=True)

    together = Critique(
        packed_critic,
        REAL,
        FAKE,
        packed_critic(REAL),
        packed_critic(FAKE),
        slopes(REAL),
        slopes(FAKE),
        noise=np.array([[0.25], [0.8]], "float32"),
    )
    np.testing.assert_allclose(R1(2.0)(together), [square_norms(slopes(REAL)).sum()], rtol=1e-6)
    mixed = 0.25 * REAL + 0.75 * FAKE
    expected = (np.sqrt(square_norms(slopes(mixed)).sum()) - 1) ** 2
    np.testing.assert_allclose(GradientPenalty(1.0)(together), [expected], rtol=1e-5)


@keras.saving.register_keras_serializable(package="tests")
class Shift:
    num_random = 1

    def __call__(self, images, noise):
        return images + noise[..., None]

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@pytest.mark.parametrize("on_fakes", [False, True])
def test_consistency_is_the_squared_change(on_fakes):
    noise = np.array([[0.25], [0.8]], "float32")
    expected = np.square(critic(REAL) - critic(REAL + noise[..., None]))
    if on_fakes:
        expected = expected + np.square(critic(FAKE) - critic(FAKE + noise[..., None]))
    found = Consistency(Shift(), 3.0, on_fakes)(critique(noise))
    np.testing.assert_allclose(found, 3 * expected, rtol=1e-4)


def test_the_strength_may_fall_over_the_run():
    schedule = WarmupCosine(1.0, total_steps=10, warmup_fraction=0.0, final_fraction=0.01)
    first, last = (R1(schedule)(critique(step=step)) for step in (0, 10))
    np.testing.assert_allclose(first, square_norms(slopes(REAL)) / 2, rtol=1e-6)
    np.testing.assert_allclose(last, 0.01 * first, rtol=1e-5)


@pytest.mark.parametrize(
    "regularizer",
    [
        R1(3.0),
        R2(WarmupCosine(2.0, total_steps=7)),
        GradientPenalty(5.0, target=0.5),
        Consistency(Shift(), 2.0, on_fakes=True),
    ],
)
def test_a_config_makes_it_again(regularizer):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(regularizer)))
    twin = keras.saving.deserialize_keras_object(config)
    noise = np.array([[0.25], [0.8]], "float32")
    np.testing.assert_array_equal(twin(critique(noise, 3)), regularizer(critique(noise, 3)))


def test_a_negative_strength_is_refused():
    with pytest.raises(ValueError, match="`strength` must be 0 or more, or a schedule; .* -1"):
        R1(-1.0)
