import numpy as np
import tensorflow as tf

from tfzoo.layers import downsample, upsample


def test_upsample_is_bilinear_interpolation():
    x = np.random.default_rng(5).normal(size=(2, 3, 5, 7)).astype("float32")
    np.testing.assert_allclose(upsample(x), tf.image.resize(x, [6, 10]), atol=1e-6)
    # By hand: a row 0, 4 becomes 0, 1, 3, 4.
    row = tf.constant([0.0, 4.0], shape=[1, 1, 2, 1])
    np.testing.assert_allclose(upsample(row)[0, 1, :, 0], [0, 1, 3, 4])


def test_downsample_is_the_mean_of_four():
    x = np.random.default_rng(5).normal(size=(2, 4, 6, 7)).astype("float32")
    expected = x.reshape(2, 2, 2, 3, 2, 7).mean((2, 4))
    np.testing.assert_allclose(downsample(x), expected, atol=1e-6)


def test_the_precision_stays():
    x = tf.ones([1, 2, 2, 3], tf.bfloat16)
    assert upsample(x).dtype == downsample(x).dtype == tf.bfloat16
