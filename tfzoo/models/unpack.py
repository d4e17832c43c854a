"""Batches of texts, as preprocessors make them, and a dataset of one's own has to."""

import keras
import tensorflow as tf


def unpack_tokens(data):
    """`(x, targets[, weights])` -> all three; missing weights are ones, one for each target."""
    x, targets, weights = parts_of(data)
    dtype, shape = tf.as_dtype(targets.dtype), tf.TensorShape(x["token_ids"].shape)
    if not dtype.is_integer or not shape.is_compatible_with(targets.shape):
        raise ValueError(
            f"Targets must be ints of shape {shape}, as `token_ids` have; received {dtype.name} "
            f"of shape {targets.shape}."
        )
    if weights is None:
        weights = tf.ones(tf.shape(targets))
    return x, targets, tf.cast(weights, tf.float32)


def unpack_examples(data, key="token_ids"):
    """`(x, targets[, weights])` -> all three; missing weights are ones, one for each example."""
    x, targets, weights = parts_of(data, key)
    if weights is None:
        weights = tf.ones(tf.shape(tf.nest.flatten(x)[0])[:1])
    return x, targets, tf.cast(weights, tf.float32)


def parts_of(data, key="token_ids"):
    """`(x, targets[, weights])` -> all three, the last perhaps None.

    Raises:
        ValueError: if there are no targets, or `x` is no dict with `key`, if that is not None.
    """
    x, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
    if targets is None or not isinstance(x, dict) or key not in (*x, None):
        received = tf.nest.map_structure(lambda tensor: f"{tensor.dtype.name} {tensor.shape}", data)
        raise ValueError(
            f"A prepared batch must be `({{'{key or 'token_ids'}': ...}}, targets)`, perhaps with "
            f"weights behind them, as the preprocessor makes it; received {received!r:.200}. Raw "
            "texts are given as strings."
        )
    return x, targets, weights
