import numpy as np
import pytest
import tensorflow as tf

from tfzoo.models.in_batches import in_batches


@pytest.mark.parametrize("num_rows", [1, 4, 5, 13])
def test_batches_follow_each_other(num_rows):
    rows = np.random.default_rng(3).normal(size=(num_rows, 3)).astype("float32")
    sizes = []

    def function(first, limit):
        sizes.append(int(limit - first))
        part = tf.constant(rows)[first:limit]
        return {"double": 2 * part, "sum": (tf.reduce_sum(part, axis=1),)}

    eager = in_batches(function, num_rows, 5)
    assert sizes == [5] * (num_rows // 5) + [num_rows % 5] * (num_rows % 5 > 0)
    in_graph = tf.function(lambda n: in_batches(function, n, 5))(tf.constant(num_rows))
    for result in (eager, in_graph):
        np.testing.assert_allclose(result["double"], 2 * rows, rtol=1e-6)
        np.testing.assert_allclose(result["sum"][0], rows.sum(axis=1), rtol=1e-5)


def test_gradients_go_through_all_batches():
    rows = tf.constant(np.random.default_rng(4).normal(size=(7, 2)), tf.float32)

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(rows)
            loss = tf.reduce_sum(in_batches(lambda a, b: rows[a:b] ** 2, 7, 3))
        return tape.gradient(loss, rows)

    np.testing.assert_allclose(gradient(), 2 * rows, rtol=1e-6)
