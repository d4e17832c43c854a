"""Uneven batches, resets and replicas change nothing in a metric."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfzoo.metrics import BitsPerByte, Perplexity


def update(metric, data):
    losses, num_bytes, weights = data
    if isinstance(metric, BitsPerByte):
        metric.update_state(losses, num_bytes, weights)
    else:
        metric.update_state(losses, weights)


def expected(kind, data):
    """The definition, token by token."""
    tokens = list(zip(*(array.ravel().tolist() for array in data), strict=True))
    nats = math.fsum(loss * weight for loss, _, weight in tokens)
    if kind is BitsPerByte:
        return nats / math.log(2) / math.fsum(length * weight for _, length, weight in tokens)
    return math.exp(nats / math.fsum(weight for _, _, weight in tokens))


@pytest.fixture
def data():
    """Losses, bytes and weights of (8, 5) tokens, of which the first rows are mostly padding."""
    rng = np.random.default_rng(7)
    losses = rng.gamma(2, 2, (8, 5)).astype("float32")
    losses[:2] *= 3  # so that a mean of means would differ
    weights = (np.arange(5) < np.array([1, 2, 5, 5, 4, 5, 3, 5])[:, None]).astype("float32")
    return losses, rng.integers(0, 7, (8, 5)), weights


@pytest.fixture(params=[Perplexity, BitsPerByte])
def kind(request):
    return request.param


def test_uneven_batches_equal_one_shot(kind, data):
    batched = kind()
    for rows in (slice(0, 1), slice(1, 6), slice(6, 8)):
        update(batched, [array[rows] for array in data])
    whole = kind()
    update(whole, data)
    assert float(whole.result()) == pytest.approx(expected(kind, data), rel=1e-5)
    assert float(batched.result()) == pytest.approx(expected(kind, data), rel=1e-5)


def test_reset_forgets(kind, data):
    metric = kind()
    update(metric, [array[:2] for array in data])
    metric.reset_state()
    late = [array[2:] for array in data]
    update(metric, late)
    assert float(metric.result()) == pytest.approx(expected(kind, late), rel=1e-5)


def test_two_replicas_equal_one(kind, data, two_replicas):
    with two_replicas.scope():
        metric = kind()

    @tf.function
    def step():
        def replica():
            start = 4 * tf.distribute.get_replica_context().replica_id_in_sync_group
            update(metric, [tf.constant(array)[start : start + 4] for array in data])

        two_replicas.run(replica)

    step()
    assert float(metric.result()) == pytest.approx(expected(kind, data), rel=1e-5)
