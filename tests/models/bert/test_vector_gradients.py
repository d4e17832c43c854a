import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import Dropout
from tfzoo.models.bert.vector_gradients import vector_gradients


@pytest.mark.parametrize("in_graph", [False, True])
def test_micro_batches_couple_all_examples_under_one_noise(in_graph):
    rng = np.random.default_rng(4)
    x = tf.constant(rng.normal(size=(6, 5)), tf.float32)
    matrix = tf.Variable(rng.normal(size=(5, 3)), dtype=tf.float32)
    dropout = Dropout(0.4, seed=3)
    state = dropout.seed_generator.state
    start = state.numpy()

    def vectors_of(x):
        return dropout(tf.matmul(x, matrix), training=True)

    def losses_of(vectors):
        return tf.reduce_sum(tf.sin(tf.matmul(vectors, vectors, transpose_b=True)), axis=1)

    with tf.GradientTape() as tape:
        parts = [vectors_of(x[first : first + 2]) for first in (0, 2, 4)]
        total = tf.reduce_sum(losses_of(tf.concat(parts, axis=0)))
    expected, end = tape.gradient(total, matrix), state.numpy()

    def gradients(count):
        state.assign(start)
        return vector_gradients(vectors_of, losses_of, x, [matrix], count, noise=[state])[0]

    gradients = tf.function(gradients) if in_graph else gradients
    np.testing.assert_allclose(gradients(3), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(state, end)
    assert np.abs(gradients(1) - expected).max() > 1e-2  # other noise
