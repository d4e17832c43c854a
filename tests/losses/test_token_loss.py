import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.losses import TokenLoss

# Shares 1/8, 2/8 and 5/8: the normaliser is 8.
LOGITS = np.log([[1.0, 2.0, 5.0]]).astype("float32")


@pytest.mark.parametrize(("target", "expected"), [(0, 8.0), (1, 4.0), (2, 1.6)])
def test_plain_loss_by_hand(target, expected):
    np.testing.assert_allclose(TokenLoss()([target], LOGITS), [math.log(expected)], rtol=1e-6)


def test_label_smoothing_by_hand():
    # 0.3 are shared by the three tokens, so the target has 0.8 and the others 0.1 each.
    expected = 0.8 * math.log(4) + 0.1 * math.log(8) + 0.1 * math.log(1.6)
    np.testing.assert_allclose(TokenLoss(label_smoothing=0.3)([1], LOGITS), [expected], rtol=1e-6)


def test_z_loss_by_hand():
    expected = math.log(4) + 0.25 * math.log(8) ** 2
    np.testing.assert_allclose(TokenLoss(z_loss=0.25)([1], LOGITS), [expected], rtol=1e-6)


def reference(targets, logits, smoothing, z_loss):
    """Losses and their gradients, token by token in float64."""
    losses, gradients = np.zeros(targets.shape), np.zeros(logits.shape)
    for place in np.ndindex(*targets.shape):
        row = logits[place].astype("float64")
        log_z = math.log(sum(math.exp(value) for value in row))
        wanted = np.full(len(row), smoothing / len(row))
        wanted[targets[place]] += 1 - smoothing
        losses[place] = -wanted @ (row - log_z) + z_loss * log_z**2
        gradients[place] = np.exp(row - log_z) * (1 + 2 * z_loss * log_z) - wanted
    return losses, gradients


@pytest.mark.parametrize(("smoothing", "z_loss"), [(0, 0), (0.13, 0), (0, 0.07), (0.13, 0.07)])
def test_equals_the_formula_and_its_derivative(smoothing, z_loss):
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 7, (2, 5))
    logits = tf.constant(rng.normal(size=(2, 5, 7)) * 3, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = TokenLoss(smoothing, z_loss)(targets, logits)
    expected, gradients = reference(targets, logits.numpy(), smoothing, z_loss)
    assert losses.dtype == "float32"
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(losses, logits), gradients, rtol=1e-4, atol=1e-6)


def test_large_logits_are_finite():
    logits = tf.constant([[50.0, -50.0], [1e4, -1e4]])
    np.testing.assert_allclose(TokenLoss()([1, 1], logits), [100, 2e4])
    np.testing.assert_allclose(TokenLoss()([0, 0], logits), [0, 0], atol=1e-30)
    # Half of 100 comes from smoothing by 1, so 0.1 brings 5; the normaliser is 50.
    loss = TokenLoss(label_smoothing=0.1, z_loss=0.01)([0], logits[:1])
    np.testing.assert_allclose(loss, [5 + 0.01 * 50**2], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_logits_are_computed_in_float32(dtype):
    rng = np.random.default_rng(5)
    targets = rng.integers(0, 7, (3, 5))
    logits = tf.cast(rng.normal(size=(3, 5, 7)) * 3, dtype)
    losses = TokenLoss(0.1, 0.01)(targets, logits)
    expected, _ = reference(targets, tf.cast(logits, "float32").numpy(), 0.1, 0.01)
    assert losses.dtype == "float32"
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_comes_back_from_its_config():
    saved = keras.saving.serialize_keras_object(TokenLoss(0.125, 0.5))
    assert saved["registered_name"] == "tfzoo>TokenLoss"
    loaded = keras.saving.deserialize_keras_object(saved)
    np.testing.assert_array_equal(loaded([1], LOGITS), TokenLoss(0.125, 0.5)([1], LOGITS))


@pytest.mark.parametrize("value", [-0.1, 1, 1.1])
def test_bad_label_smoothing(value):
    with pytest.raises(ValueError, match=rf"`label_smoothing` must be in \[0, 1\).*{value}"):
        TokenLoss(label_smoothing=value)


def test_bad_z_loss():
    with pytest.raises(ValueError, match="`z_loss` must not be negative; received -0.5"):
        TokenLoss(z_loss=-0.5)
