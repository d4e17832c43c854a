import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import BatchNorm


def randomized(rng, width, **arguments):
    layer = BatchNorm(**arguments)
    layer.build((None, width))
    for variable in layer.weights:
        variable.assign(rng.uniform(0.5, 2, variable.shape))
    return layer


def reference(x, scale, bias, mean, variance, epsilon):
    return (x - mean) / np.sqrt(variance + epsilon) * scale + bias


@pytest.mark.parametrize("shape", [(5, 3), (4, 2, 3, 7), (2, 3, 11)])
def test_training_uses_and_notes_the_moments_of_the_batch(shape):
    rng = np.random.default_rng(7)
    x = rng.normal(3, 2, shape).astype("float32")
    layer = randomized(rng, shape[-1], momentum=0.7, epsilon=0.01)
    scale, bias, moving_mean, moving_variance = (v.numpy() for v in layer.weights)
    flat = x.reshape(-1, shape[-1])
    mean, variance = flat.mean(0), flat.var(0)
    expected = reference(x, scale, bias, mean, variance, 0.01)
    np.testing.assert_allclose(layer(x, training=True), expected, atol=2e-6)
    np.testing.assert_allclose(layer.moving_mean, 0.7 * moving_mean + 0.3 * mean, rtol=1e-5)
    np.testing.assert_allclose(
        layer.moving_variance, 0.7 * moving_variance + 0.3 * variance, rtol=1e-5
    )


def test_inference_uses_the_moving_statistics_and_notes_nothing():
    rng = np.random.default_rng(7)
    x = rng.normal(3, 2, (4, 2, 3, 7)).astype("float32")
    layer = randomized(rng, 7)
    before = [v.numpy() for v in layer.weights]
    np.testing.assert_allclose(layer(x), reference(x, *before, 1e-3), atol=2e-6)
    for now, was in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(now, was)


def test_keras_computes_the_same_with_the_same_gradients():
    rng = np.random.default_rng(7)
    x = tf.constant(rng.normal(3, 2, (4, 2, 3, 7)), tf.float32)
    ours, theirs = randomized(rng, 7), keras.layers.BatchNormalization(momentum=0.9)
    theirs.build((None, 2, 3, 7))
    theirs.set_weights(ours.get_weights())
    results = []
    for layer in (ours, theirs):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(layer(x, training=True)) * tf.range(7.0))
        weights = [v.value for v in layer.trainable_variables]
        results.append([*tape.gradient(loss, [x, *weights]), *layer.get_weights()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_two_replicas_with_uneven_rows_are_one_device(two_replicas):
    rng = np.random.default_rng(7)
    x = rng.normal(3, 2, (5, 2, 3, 7)).astype("float32")
    target = rng.normal(size=x.shape).astype("float32")

    def gradients(layer, x, target):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) * target)
        return tape.gradient(loss, [x, layer.scale.value])

    one = BatchNorm()
    one.build((None, 7))
    expected = gradients(one, tf.constant(x), target)
    with two_replicas.scope():
        two = BatchNorm()
        two.build((None, 7))
    parts = [(x[:3], target[:3]), (x[3:], target[3:])]
    batch = two_replicas.experimental_distribute_values_from_function(
        lambda context: tuple(map(tf.constant, parts[context.replica_id_in_sync_group]))
    )
    found = two_replicas.run(tf.function(lambda pair: gradients(two, *pair)), args=(batch,))
    rows = np.concatenate([part.numpy() for part in found[0].values])
    np.testing.assert_allclose(rows, expected[0], atol=1e-5)
    np.testing.assert_allclose(sum(v.numpy() for v in found[1].values), expected[1], rtol=1e-4)
    for ours, theirs in zip(two.weights, one.weights, strict=True):
        for copy in ours.value.values:
            np.testing.assert_allclose(copy.numpy(), theirs.numpy(), atol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_statistics_are_float32_in_every_precision(dtype):
    rng = np.random.default_rng(7)
    # In float16 the squares of such numbers overflow.
    x = rng.normal(400, 90, (4, 2, 3, 7)).astype("float32")
    layer = BatchNorm(dtype=dtype, momentum=0.0)
    y = layer(x, training=True)
    assert y.dtype.name == layer.compute_dtype
    rounded = tf.cast(tf.cast(x, y.dtype), tf.float32).numpy().reshape(-1, 7)
    np.testing.assert_allclose(layer.moving_mean, rounded.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, rounded.var(0), rtol=1e-3)


def test_a_config_makes_it_again():
    config = BatchNorm(momentum=0.25, epsilon=0.5).get_config()
    assert (BatchNorm.from_config(config).momentum, config["epsilon"]) == (0.25, 0.5)
    with pytest.raises(ValueError, match="`epsilon` must be 1.001e-5 or more; received 0"):
        BatchNorm(epsilon=0)
