import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import LayerNorm, RMSNorm, rms_normalize


def reference(x, epsilon, scale, bias=None):
    """Normalises row by row, with plain sums."""
    rows = []
    for row in x.reshape(-1, x.shape[-1]).astype("float64"):
        mean = sum(row) / len(row) if bias is not None else 0.0
        power = sum((value - mean) ** 2 for value in row) / len(row)
        rows.append([(value - mean) / (power + epsilon) ** 0.5 for value in row])
    return np.array(rows).reshape(x.shape) * scale + (0 if bias is None else bias)


@pytest.fixture
def numbers():
    rng = np.random.default_rng(11)
    x = (rng.normal(size=(2, 3, 7)) * 5 + 3).astype("float32")
    return x, rng.normal(size=7).astype("float32"), rng.normal(size=7).astype("float32")


@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_layer_norm(numbers, epsilon):
    x, scale, bias = numbers
    layer = LayerNorm(epsilon)
    layer.build(x.shape)
    np.testing.assert_allclose(layer(x), reference(x, epsilon, 1, 0), rtol=1e-4, atol=1e-5)
    layer.set_weights([scale, bias])
    np.testing.assert_allclose(layer(x), reference(x, epsilon, scale, bias), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("epsilon", [1e-6, 0.5])
def test_rms_norm(numbers, epsilon):
    x, scale, _ = numbers
    layer = RMSNorm(epsilon)
    layer.build(x.shape)
    np.testing.assert_allclose(layer(x), reference(x, epsilon, 1), rtol=1e-5)
    layer.set_weights([scale])
    np.testing.assert_allclose(layer(x), reference(x, epsilon, scale), rtol=1e-5)


def test_rms_normalize_by_hand():
    # The mean of 1, 9, 25 and 49 is 21.
    np.testing.assert_allclose(
        rms_normalize(tf.constant([[1.0, -3.0, 5.0, 7.0]])),
        [np.array([1, -3, 5, 7]) / 21**0.5],
        1e-6,
    )


def test_constant_and_zero_rows_are_finite():
    flat = np.full((1, 1, 5), 3.0, "float32")
    np.testing.assert_allclose(LayerNorm()(flat), np.zeros((1, 1, 5)), atol=1e-6)
    np.testing.assert_allclose(RMSNorm()(0 * flat), np.zeros((1, 1, 5)), atol=1e-6)


@pytest.mark.parametrize("layer", [LayerNorm, RMSNorm])
@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_squares_do_not_overflow_half_precision(layer, dtype):
    # 1000^2 is beyond float16.
    x = tf.constant([[1000.0, -1000.0, 1000.0, -1000.0]])
    output = layer(dtype=dtype)(x)
    assert output.dtype == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(tf.cast(output, "float32"), [[1, -1, 1, -1]], rtol=5e-3)
