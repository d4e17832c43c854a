"""What is computed again is what was computed: outputs, gradients, noise, and states."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import BatchNorm, DecoderBlock, recompute


class Noisy(keras.layers.Layer):
    """A dense layer, batch statistics and dropout: all that a layer may change as it runs."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(
            5, kernel_initializer=keras.initializers.RandomNormal(seed=1)
        )
        self.norm = BatchNorm()
        self.dropout = keras.layers.Dropout(0.5, seed=3)

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.norm.build((None, 5))

    def call(self, x, scale, training=False):
        x = self.norm(self.dense(x), training=training)
        return self.dropout(scale * tf.tanh(x), training=training)


def step(layer, x, call):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = call(layer, x, tf.constant(2.0), training=True)
        loss = tf.reduce_sum(y * tf.range(5.0))
    return y, tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])


def plainly(layer, *inputs, **arguments):
    return layer(*inputs, **arguments)


@pytest.mark.parametrize("jit_compile", [None, False, True], ids=["eager", "graph", "xla"])
def test_gradients_noise_and_states_are_those_of_one_call(jit_compile):
    x = tf.constant(np.random.default_rng(0).normal(size=(7, 3)), tf.float32)
    found = {}
    for call in (plainly, recompute):
        layer = Noisy()
        layer.build((None, 3))

        def two_steps(x, layer=layer, call=call):
            return [step(layer, x, call), step(layer, x, call)]

        run = two_steps if jit_compile is None else tf.function(two_steps, jit_compile=jit_compile)
        found[call] = tf.nest.flatten([run(x), [v.value for v in layer.non_trainable_variables]])
    first, second = found[plainly][0], found[plainly][6]
    assert (first.numpy() != second.numpy()).any()  # new noise in each step
    for one, other in zip(found[plainly], found[recompute], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_only_the_input_of_a_layer_is_kept():
    block = DecoderBlock(num_heads=2, intermediate_dim=64, dropout=0.1)
    block.build((None, None, 16))
    x, bias = tf.random.stateless_normal([3, 11, 16], [0, 0]), tf.zeros([1, 1, 11, 11])

    def kept(call):
        def forward(x):
            return call(block, x, bias, training=True)[0]

        # What a gradient function of the forward graph captures from it.
        graph = tf.function(forward).get_concrete_function(x)
        _, backward = graph._delayed_rewrite_functions.forward_backward()
        return sum(np.prod(t.shape) for t in backward.captured_inputs if t.dtype.is_floating)

    assert kept(recompute) < kept(plainly)
