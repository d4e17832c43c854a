import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import Dropout
from tfzoo.optimizers import accumulate_gradients

ROWS, V, D = 12, 11, 5


@pytest.fixture
def batch():
    """Ids, targets and weights; whole rows of padding, and none, make the parts uneven."""
    rng = np.random.default_rng(41)
    weights = rng.uniform(0, 2, (ROWS, 3)) * (np.arange(ROWS)[:, None] > 4)
    weights[0, 0] = 1
    return (
        {"ids": tf.constant(rng.integers(0, V, (ROWS, 3)))},
        tf.constant(rng.normal(size=(ROWS, 3, D)), tf.float32),
        tf.constant(weights, tf.float32),
    )


def objective(batch):
    """`gradients_of` of a weighted mean over the whole batch; one gradient is sparse."""
    rng = np.random.default_rng(43)
    table = tf.Variable(rng.normal(size=(V, D)), dtype=tf.float32)
    scale = tf.Variable(rng.normal(size=D), dtype=tf.float32)
    total_weight = tf.reduce_sum(batch[2])

    def gradients_of(x, targets, weights):
        with tf.GradientTape() as tape:
            error = tf.nn.embedding_lookup(table, x["ids"]) * scale - targets
            loss = tf.reduce_sum(tf.reduce_sum(error**2, -1) * weights) / total_weight
        return tape.gradient(loss, [table, scale])

    return gradients_of


@pytest.mark.parametrize("num_micro_batches", [1, 2, 3, 12])
def test_equals_one_pass_with_uneven_weights(batch, num_micro_batches):
    gradients_of = objective(batch)
    summed = accumulate_gradients(gradients_of, batch, num_micro_batches)
    for one, other in zip(summed, gradients_of(*batch), strict=True):
        other = tf.convert_to_tensor(other)
        assert np.abs(other).max() > 0.1
        np.testing.assert_allclose(tf.convert_to_tensor(one), other, atol=1e-6)


def compiled(batch, num_micro_batches, jit_compile):
    """The sum inside a graph that knows the sizes of no axis."""
    gradients_of = objective(batch)
    signature = tf.nest.map_structure(
        lambda x: tf.TensorSpec([None] * (x.shape.rank - 1) + x.shape[-1:], x.dtype), batch
    )
    run = tf.function(
        lambda *batch: accumulate_gradients(gradients_of, batch, num_micro_batches),
        input_signature=signature,
        jit_compile=jit_compile,
    )
    return run, gradients_of


@pytest.mark.parametrize("jit_compile", [False, True])
def test_equal_inside_graphs_of_unknown_size(batch, jit_compile):
    run, gradients_of = compiled(batch, 3, jit_compile)
    for one, other in zip(run(*batch), gradients_of(*batch), strict=True):
        np.testing.assert_allclose(one, tf.convert_to_tensor(other), atol=1e-6)


def test_the_passes_are_as_many_as_asked_and_equally_large():
    sizes = tf.Variable([0, 0])

    def gradients_of(x):
        sizes.assign_add([1, tf.shape(x)[0] ** 2])
        return [tf.reduce_sum(x, 0)]

    (total,) = accumulate_gradients(gradients_of, (tf.reshape(tf.range(24), (12, 2)),), 4)
    assert sizes.numpy().tolist() == [4, 4 * 3**2]
    assert total.numpy().tolist() == [sum(range(0, 24, 2)), sum(range(1, 24, 2))]


def test_every_pass_has_noise_of_its_own_on_every_replica(two_replicas):
    with two_replicas.scope():
        dropout = Dropout(0.5, seed=3)
        weight = keras.Variable(np.ones(257, "float32"))

    def gradients_of(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(dropout(x * weight, training=True))
        return tape.gradient(loss, [weight])

    @tf.function
    def step():
        return two_replicas.run(
            lambda: accumulate_gradients(gradients_of, (tf.ones((3, 257)),), 3)[0]
        )

    first, second = (g.numpy() for g in two_replicas.experimental_local_results(step()))
    assert np.mean(first == second) < 0.5
    for gradient in (first, second):
        # Each column is twice the number of passes that kept it: 0, 1, 2 or 3, like coins.
        counts = np.bincount((gradient / 2).astype(int), minlength=4)
        shares = np.array([1, 3, 3, 1]) / 8
        assert np.all(np.abs(counts - 257 * shares) < 5 * np.sqrt(257 * shares * (1 - shares)))


SENTENCE = "`gradient_accumulation` must divide the batch size per replica; received .*=5 and"


def test_a_batch_that_does_not_divide_is_refused(batch):
    with pytest.raises(tf.errors.InvalidArgumentError, match=SENTENCE):
        accumulate_gradients(objective(batch), batch, 5)
    run, _ = compiled(batch, 5, jit_compile=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match=SENTENCE):
        run(*batch)


def test_xla_loses_no_rows_of_a_batch_that_does_not_divide(batch):
    run, _ = compiled(batch, 5, jit_compile=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
        run(*batch)
