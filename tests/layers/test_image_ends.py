import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import ConvolutionOfImage, ConvolutionToImage
from tfzoo.layers.image_ends import convolution_of_image, convolution_to_image, doubled_convolution

RNG = np.random.default_rng(5)


def normal(*shape):
    return tf.constant(RNG.normal(size=shape), tf.float32)


def transposed(x, kernel):
    size = [len(x), 2 * x.shape[1], 2 * x.shape[2], kernel.shape[2]]
    return tf.nn.conv2d_transpose(x, kernel, size, 2, "SAME")


@pytest.mark.parametrize("size", [2, 4, 6, 8])
def test_four_pixels_at_once_are_the_transposed_convolution(size):
    x, kernel = normal(2, 5, 3, 7), normal(size, size, 3, 7)
    expected = transposed(x, kernel)
    np.testing.assert_allclose(doubled_convolution(x, kernel), expected, rtol=1e-4, atol=1e-4)


def slopes(function, x, kernel):
    """First derivatives, and those of a penalty on the slope."""
    with tf.GradientTape() as outer:
        outer.watch([x, kernel])
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            loss = tf.reduce_sum(tf.sin(function(x, kernel)))
        first = tape.gradient(loss, [x, kernel])
        penalty = tf.reduce_sum(tf.square(first[0]))
    return [*first, *outer.gradient(penalty, [x, kernel])]


@pytest.mark.parametrize(
    "ours, theirs, shape",
    [
        (convolution_to_image, transposed, (2, 3, 5, 7)),
        (convolution_of_image, lambda x, k: tf.nn.conv2d(x, k, 2, "SAME"), (2, 6, 4, 3)),
    ],
)
def test_derivatives_of_both_orders_are_those_of_tensorflow(ours, theirs, shape):
    x, kernel = normal(*shape), normal(4, 4, 3, 7)
    found, expected = slopes(ours, x, kernel), slopes(theirs, x, kernel)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("size", [3, 4])
def test_the_layers_are_those_of_keras(size):
    pairs = [
        (ConvolutionToImage(3, size), keras.layers.Conv2DTranspose, (2, 3, 5, 7)),
        (ConvolutionOfImage(7, size), keras.layers.Conv2D, (2, 6, 4, 3)),
    ]
    for ours, kind, shape in pairs:
        x = normal(*shape)
        theirs = kind(ours.filters, size, strides=2, padding="same")
        ours(x), theirs(x)
        for variable in ours.weights:
            variable.assign(normal(*variable.shape))
        theirs.set_weights(ours.get_weights())
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-4, atol=1e-4)
        assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()
