import math

import keras
import numpy as np

from tfzoo.layers import gelu_approximate, gelu_by_erf, relu_squared


def test_gelu_is_the_tanh_form():
    points = [-31.0, -1.7, -0.3, 0.0, 0.9, 2.3, 41.0]
    expected = [
        0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) for x in points
    ]
    np.testing.assert_allclose(gelu_approximate(np.float32(points)), expected, rtol=1e-5, atol=1e-7)
    exact = 0.5 * 2.3 * (1 + math.erf(2.3 / math.sqrt(2)))
    assert abs(expected[5] - exact) > 1e-4  # the two forms can be told apart


def test_gelu_by_erf_is_the_exact_form():
    points = np.float32([-31.0, -5.3, -1.7, -0.3, 0.0, 0.9, 2.3, 41.0])
    expected = [0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in points.tolist()]
    found = gelu_by_erf(points)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found, keras.activations.gelu(points), rtol=1e-6, atol=1e-6)


def test_relu_squared_by_hand():
    np.testing.assert_array_equal(relu_squared(np.float32([-3, 0, 0.5, 7])), [0, 0, 0.25, 49])
