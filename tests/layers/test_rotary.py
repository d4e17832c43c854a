import math

import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import rotary_angles, rotate


def rotated(x, position):
    """One vector (K,) at one position."""
    angles = rotary_angles(tf.constant([[position]]), len(x), "float32")
    return rotate(tf.constant(x, tf.float32)[None, None, None], angles)[0, 0, 0].numpy()


def test_numbers_by_hand():
    # K = 4: pairs (x0, x2) and (x1, x3), turned by 3 * 10000^0 and by 3 * 10000^(-1/2).
    a, b = 3.0, 0.03
    expected = [
        2 * math.cos(a) - 5 * math.sin(a),
        3 * math.cos(b) - 7 * math.sin(b),
        5 * math.cos(a) + 2 * math.sin(a),
        7 * math.cos(b) + 3 * math.sin(b),
    ]
    np.testing.assert_allclose(rotated([2, 3, 5, 7], 3), expected, rtol=1e-5)


def test_a_wavelength_is_its_own():
    cos, sin = rotary_angles(tf.constant([[5]]), 4, "float32", wavelength=100.0)
    np.testing.assert_allclose(cos[0, 0, 0], [math.cos(5), math.cos(0.5)], rtol=1e-5)
    np.testing.assert_allclose(sin[0, 0, 0], [math.sin(5), math.sin(0.5)], rtol=1e-5)


def test_position_zero_changes_nothing_and_no_position_the_length():
    x = np.random.default_rng(3).normal(size=10)
    np.testing.assert_allclose(rotated(x, 0), x, rtol=1e-6)
    for position in (1, 17, 1023):
        assert np.linalg.norm(rotated(x, position)) == pytest.approx(np.linalg.norm(x), rel=1e-5)


def test_a_product_depends_on_the_distance_only():
    query, key = np.random.default_rng(5).normal(size=(2, 10))
    at = {
        (m, n): rotated(query, m) @ rotated(key, n) for m, n in [(7, 3), (104, 100), (3, 7), (9, 3)]
    }
    assert at[7, 3] == pytest.approx(at[104, 100], rel=1e-4)
    assert abs(at[7, 3] - at[3, 7]) > 0.1 and abs(at[7, 3] - at[9, 3]) > 0.1


def test_every_row_has_its_own_positions():
    x = np.random.default_rng(7).normal(size=(2, 3, 5, 6)).astype("float32")
    positions = np.array([[0, 1, 2, 0, 1], [4, 0, 1, 2, 3]])
    both = rotate(tf.constant(x), rotary_angles(tf.constant(positions), 6, "float32")).numpy()
    for b, h, t in np.ndindex(2, 3, 5):
        np.testing.assert_allclose(both[b, h, t], rotated(x[b, h, t], positions[b, t]), rtol=1e-5)


def test_half_precision_keeps_far_positions_apart():
    # 1001 is no bfloat16: were the angles rounded, neighbours would share one.
    cos, _ = rotary_angles(tf.constant([[1000, 1001]]), 2, "bfloat16")
    assert cos.dtype == "bfloat16"
    expected = [math.cos(1000), math.cos(1001)]
    np.testing.assert_allclose(tf.cast(cos[0, 0, :, 0], "float32"), expected, atol=5e-3)


def test_an_odd_head_has_no_pairs():
    with pytest.raises(ValueError, match="`head_dim` must be even.*received 7"):
        rotary_angles(tf.constant([[0]]), 7, "float32")
