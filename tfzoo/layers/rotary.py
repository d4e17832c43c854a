"""Rotary position embedding: a position is an angle, and a dot product sees only differences.

Source: Su et al. 2021, "RoFormer", section 3.2.2, with the two halves of a head as the pairs.
"""

import tensorflow as tf


def rotary_angles(positions, head_dim, dtype, wavelength=10_000.0):
    """Cosines and sines for each position, computed once and shared by every layer.

    Args:
        positions: int tensor (B or 1, T), position within its document, from 0.
        head_dim: int, K, even.
        dtype: dtype of the result; the angles themselves are float32.
        wavelength: float, bound of the wavelengths in positions, divided by 2 pi.

    Returns:
        `(cos, sin)`, each (B or 1, 1, T, K / 2).

    Raises:
        ValueError: `head_dim` is odd.
    """
    if head_dim % 2:
        raise ValueError(
            f"`head_dim` must be even, because rotation turns pairs; received {head_dim}. Choose "
            "another `hidden_dim` or `num_heads`."
        )
    half = head_dim // 2
    frequencies = wavelength ** (-tf.range(half, dtype=tf.float32) / half)
    positions = tf.expand_dims(tf.expand_dims(tf.cast(positions, tf.float32), 1), -1)
    angles = positions * frequencies
    return tf.cast(tf.cos(angles), dtype), tf.cast(tf.sin(angles), dtype)


def rotate(x, angles):
    """Rotates queries or keys (B, H, T, K) by their `rotary_angles`."""
    cos, sin = angles
    first, second = tf.split(x, 2, axis=-1)
    return tf.concat([first * cos - second * sin, second * cos + first * sin], axis=-1)
