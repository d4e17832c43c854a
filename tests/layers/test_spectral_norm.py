import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import SpectralNorm

LAYERS = {
    "dense": (lambda: keras.layers.Dense(7), (3, 5)),
    "convolution": (lambda: keras.layers.Conv2D(7, 3, padding="same"), (2, 4, 5, 3)),
}


def settled(name):
    make, shape = LAYERS[name]
    x = np.random.default_rng(5).normal(size=shape).astype("float32")
    layer = SpectralNorm(make())
    for _ in range(200):
        layer(x, training=True)
    return layer, x


def largest(kernel):
    kernel = np.asarray(kernel)
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


@pytest.mark.parametrize("name", LAYERS)
def test_the_layer_works_with_the_kernel_over_its_largest_singular_value(name):
    layer, x = settled(name)
    plain, _ = LAYERS[name]
    plain = plain()
    plain.build(x.shape)
    kernel = layer.layer.kernel.numpy()
    plain.set_weights([kernel / largest(kernel), layer.layer.bias.numpy()])
    np.testing.assert_allclose(layer(x), plain(x), atol=1e-5)
    np.testing.assert_array_equal(layer.layer.kernel, kernel)


def test_the_gradient_goes_through_the_division():
    layer, x = settled("dense")
    kernel = layer.layer.kernel.value
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(layer(x)))
    found = tape.gradient(loss, kernel)
    with tf.GradientTape() as tape:
        weights = tf.convert_to_tensor(kernel)
        tape.watch(weights)
        sigma = tf.linalg.svd(weights, compute_uv=False)[0]
        loss = tf.reduce_sum(tf.sin(x @ (weights / sigma)))
    np.testing.assert_allclose(found, tape.gradient(loss, weights), atol=1e-4)


def test_the_estimate_moves_in_training_only():
    make, shape = LAYERS["dense"]
    layer = SpectralNorm(make())
    x = np.ones(shape, "float32")
    layer(x)
    before = layer.vector.numpy()
    layer(x)
    np.testing.assert_array_equal(layer.vector, before)
    layer(x, training=True)
    assert np.abs(layer.vector - before).max() > 1e-3


def test_a_config_makes_it_again():
    layer, x = settled("convolution")
    config = json.loads(json.dumps(layer.get_config()))
    twin = SpectralNorm.from_config(config)
    twin.build(x.shape)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(x), layer(x))


def test_half_precision_estimates_in_float32():
    layer = SpectralNorm(keras.layers.Dense(7, dtype="mixed_bfloat16"))
    y = layer(np.ones([2, 3], "float32"), training=True)
    assert (y.dtype, layer.vector.dtype) == (tf.bfloat16, "float32")
