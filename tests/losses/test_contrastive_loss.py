import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.losses import ContrastiveLoss


def unit(rng, rows, width=3):
    vectors = rng.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def reference(first, second, temperature, comparable):
    """Pair by pair, against an explicit list of the pairs it may be compared with."""
    losses = []
    for i in range(len(first)):
        ahead = [np.exp(first[i] @ second[j] / temperature) for j in comparable[i]]
        back = [np.exp(second[i] @ first[j] / temperature) for j in comparable[i]]
        right = np.exp(first[i] @ second[i] / temperature)
        losses.append(-(np.log(right / sum(ahead)) + np.log(right / sum(back))) / 2)
    return losses


def test_values(rng):
    first, second = unit(rng, 5), unit(rng, 5)
    losses = ContrastiveLoss(0.3)(first, second)
    np.testing.assert_allclose(losses, reference(first, second, 0.3, [range(5)] * 5), rtol=1e-5)


def test_equal_texts_and_pairs_without_weight_are_no_negatives(rng):
    first, second = unit(rng, 5), unit(rng, 5)
    ids = [
        [0, 10],
        [1, 11],
        [0, 12],
        [3, 11],
        [4, 14],
    ]  # 0 and 2 share the first, 1 and 3 the second
    weights = [1.0, 0.5, 1, 1, 0]
    losses = ContrastiveLoss(0.3)(first, second, tf.constant(ids), tf.constant(weights))
    comparable = [[0, 1, 3], [0, 1, 2], [1, 2, 3], [0, 2, 3], [0, 1, 2, 3, 4]]
    np.testing.assert_allclose(losses, reference(first, second, 0.3, comparable), rtol=1e-5)


def test_extreme_similarities_are_finite():
    vectors = np.eye(4, dtype="float32")
    assert np.isfinite(ContrastiveLoss(1e-3)(vectors, -vectors)).all()
    np.testing.assert_allclose(ContrastiveLoss(1e-3)(vectors, vectors), 0, atol=1e-6)


def test_the_negatives_are_those_of_all_replicas(rng, two_replicas):
    first, second = unit(rng, 6), unit(rng, 6)
    ids = np.array([[0, 0], [1, 1], [2, 2], [0, 3], [4, 4], [5, 5]])
    weights = np.array([1, 2, 1, 1, 0, 1], "float32")

    def gradients(rows, values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            losses = ContrastiveLoss(0.3)(*values, ids[rows], tf.constant(weights)[rows])
            loss = tf.reduce_sum(losses * tf.constant(weights)[rows])
        return losses, tape.gradient(loss, values)

    whole, whole_gradients = gradients(slice(None), [tf.constant(first), tf.constant(second)])

    @tf.function
    def replica():
        start = 3 * tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = slice(start, start + 3)
        ids_of = tf.constant(ids)[rows]
        values = [tf.constant(first)[rows], tf.constant(second)[rows]]
        with tf.GradientTape() as tape:
            tape.watch(values)
            losses = ContrastiveLoss(0.3)(*values, ids_of, tf.constant(weights)[rows])
            loss = tf.reduce_sum(losses * tf.constant(weights)[rows])
        return losses, tape.gradient(loss, values)

    parts, part_gradients = two_replicas.run(replica)
    np.testing.assert_allclose(
        np.concatenate(two_replicas.experimental_local_results(parts)), whole, rtol=1e-5
    )
    for part, expected in zip(part_gradients, whole_gradients, strict=True):
        part = np.concatenate(two_replicas.experimental_local_results(part))
        np.testing.assert_allclose(part, expected, atol=1e-5)


def test_config_and_bad_temperature():
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(ContrastiveLoss(0.07))))
    assert keras.saving.deserialize_keras_object(saved).temperature == 0.07
    with pytest.raises(ValueError, match="`temperature` must be above 0; received 0"):
        ContrastiveLoss(0)


@pytest.fixture
def rng():
    return np.random.default_rng(11)
