import math

import keras
import numpy as np
import tensorflow as tf

from tfzoo.layers import FeedForward, relu_squared
from tfzoo.layers.fused import fused

POINTS = np.float32([[-31.0, -1.7, -0.3, 0.0], [0.7, 2.3, 5.9, 41.0]])


def gelu(x):
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def gelu_slope(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2))) + x * math.exp(-x * x / 2) / math.sqrt(math.tau)


def test_values_and_derivatives_are_those_of_the_formula():
    x, upstream = tf.constant(POINTS), tf.constant([[2.0, -3.0, 5.0, 7.0], [11.0, -13.0, 1.0, 0.5]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = fused(keras.activations.gelu)(x)
    slopes = np.vectorize(gelu_slope)(POINTS) * upstream.numpy()
    np.testing.assert_allclose(y, np.vectorize(gelu)(POINTS), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(y, x, upstream), slopes, rtol=1e-5, atol=1e-6)


def test_the_derivative_has_a_derivative():
    x = tf.constant([0.5, 3.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = fused(relu_squared)(x)
        slope = inner.gradient(y, x)
    np.testing.assert_allclose(slope, [1.0, 6.0])
    np.testing.assert_allclose(outer.gradient(slope, x), [2.0, 2.0])


def test_a_formula_is_compiled_once_in_a_process():
    assert fused(relu_squared) is fused(relu_squared)


def operations(training):
    """What the graph of a network and its derivative is made of."""
    layer = FeedForward(11, "gelu")
    layer.build((None, None, 7))

    @tf.function(autograph=False)
    def slopes(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
        return tape.gradient(y, x)

    graph = slopes.get_concrete_function(tf.TensorSpec([2, 3, 7])).graph
    return graph.get_operations()


def test_training_keeps_nothing_but_the_input_and_inference_stays_plain():
    assert "Erfc" in [operation.type for operation in operations(training=False)]
    trained = operations(training=True)
    assert "Erfc" not in [operation.type for operation in trained]
    calls = [operation for operation in trained if "PartitionedCall" in operation.type]
    inputs = [[tensor.name for tensor in call.inputs] for call in calls]
    forward, backward = sorted(inputs, key=len)
    assert len(forward) == 1 and len(backward) == 2 and forward[0] in backward


def test_a_network_in_training_equals_itself_in_inference():
    rng = np.random.default_rng(29)
    x = tf.constant(rng.normal(size=(2, 3, 7)).astype("float32"))
    layer = FeedForward(11, "gelu")
    slopes = []
    for training in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.square(layer(x, training=training)))
        slopes.append(tape.gradient(y, [x, *layer.trainable_variables]))
    for plain, compiled in zip(*slopes, strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-4, atol=1e-6)
