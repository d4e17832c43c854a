import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from tfzoo.layers import ResidualBlock, grouped_convolution


@pytest.fixture(params=["as TensorFlow does here", "group by group"])
def groups(request, monkeypatch):
    """Convolutions in groups as on this processor, and as on one that has no gradients of them."""
    if request.param == "group by group":
        monkeypatch.setattr(grouped_convolution, "has_gradients", lambda: False)


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def reference(x, widen, mix, narrow, widen_bias, mix_bias):
    """One image, one group after the other, by scipy's correlation."""
    y = leaky(x @ widen[0, 0] + widen_bias)
    group = mix.shape[2]
    columns = []
    for out in range(mix.shape[3]):
        start = out // group * group
        planes = [
            scipy.signal.correlate2d(y[..., start + c], mix[:, :, c, out], "same")
            for c in range(group)
        ]
        columns.append(np.sum(planes, axis=0))
    return x + leaky(np.stack(columns, -1) + mix_bias) @ narrow[0, 0]


def test_the_block_is_its_formula(groups):
    rng = np.random.default_rng(5)
    layer = ResidualBlock(expansion=2, group_size=3)
    x = rng.normal(size=(2, 5, 4, 6)).astype("float32")
    np.testing.assert_array_equal(layer(x), x)  # the identity at first
    for variable in layer.weights:
        variable.assign(rng.normal(size=variable.shape))
    weights = [variable.numpy() for variable in layer.weights]
    expected = [reference(image, *weights) for image in x]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4)


def test_every_weight_gets_a_gradient_and_a_gradient_of_the_slope(groups):
    rng = np.random.default_rng(5)
    layer = ResidualBlock(expansion=2, group_size=3)
    x = tf.constant(rng.normal(size=(2, 5, 4, 6)), tf.float32)
    layer(x)
    for variable in layer.weights:
        variable.assign(rng.normal(size=variable.shape))
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(x)
            total = tf.reduce_sum(tf.square(layer(x)))
        loss = total + tf.reduce_sum(tf.square(inner.gradient(total, x)))
    for gradient in tape.gradient(loss, [v.value for v in layer.weights]):
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_the_start_is_scaled_by_the_depth():
    layer = ResidualBlock(expansion=2, group_size=64, num_blocks=16)
    layer.build((None, 4, 4, 128))
    # sqrt(2 / 1.04) / sqrt(fan_in) times 16^(-1/4) = 1/2; by 32,768 numbers within 2 %.
    gain = (2 / 1.04) ** 0.5 / 2
    np.testing.assert_allclose(np.std(layer.widen), gain / 128**0.5, rtol=0.02)
    np.testing.assert_allclose(np.std(layer.mix), gain / (9 * 64) ** 0.5, rtol=0.02)


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="must divide expansion .* = 12; received 5"):
        ResidualBlock(expansion=2, group_size=5).build((None, 4, 4, 6))


def test_a_config_makes_it_again():
    layer = ResidualBlock(expansion=3, group_size=2, num_blocks=5, kernel_size=1)
    assert ResidualBlock.from_config(layer.get_config()).get_config() == layer.get_config()
