import keras
import numpy as np
import pytest

from tfzoo.layers import FeedForward


def activated(name, x):
    return {"relu": np.maximum(x, 0), "sigmoid": 1 / (1 + np.exp(-x))}[name]


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("use_bias", [False, True])
def test_equals_two_products_at_each_position(activation, use_bias):
    rng = np.random.default_rng(19)
    x = rng.normal(size=(2, 3, 7)).astype("float32")
    layer = FeedForward(11, activation, use_bias)
    layer.build(x.shape)
    weights = [rng.normal(size=w.shape) for w in layer.weights]
    layer.set_weights(weights)
    first, *first_bias, second, second_bias = weights if use_bias else (*weights, 0.0)
    for b, t in np.ndindex(2, 3):
        hidden = activated(activation, x[b, t] @ first + (first_bias[0] if use_bias else 0))
        np.testing.assert_allclose(
            layer(x)[b, t], hidden @ second + second_bias, rtol=1e-4, atol=1e-5
        )


def test_dropout_acts_on_the_outputs_in_training_only():
    x = np.random.default_rng(23).normal(size=(2, 3, 7)).astype("float32")
    layer = FeedForward(11, dropout=0.5)
    silent = layer(x).numpy()
    np.testing.assert_array_equal(layer(x), silent)
    noisy = layer(x, training=True).numpy()
    kept = noisy != 0
    assert 0 < kept.sum() < kept.size
    np.testing.assert_allclose(noisy[kept], 2 * silent[kept], rtol=1e-6)


def test_each_kernel_has_its_initializer():
    layer = FeedForward(
        11,
        kernel_initializer=keras.initializers.Constant(0.25),
        output_initializer=keras.initializers.Constant(-3.0),
    )
    layer.build((None, None, 7))
    shapes = [(7, 11), (11,), (11, 7), (7,)]
    for weight, shape, value in zip(layer.weights, shapes, [0.25, 0, -3, 0], strict=True):
        np.testing.assert_array_equal(weight, np.full(shape, value))
