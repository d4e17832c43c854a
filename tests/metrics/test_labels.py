"""F1 of classes and of entities, against scikit-learn and seqeval."""

import keras
import numpy as np
import pytest
import seqeval.metrics
import sklearn.metrics
import tensorflow as tf

from tfzoo.metrics import EntityScore, MacroF1, entity_borders

NAMES = ["date", "city"]
TAGS = ["O", "B-date", "I-date", "B-city", "I-city"]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_macro_f1_of_classes_equals_scikit_learn(rng):
    truth, predicted = rng.integers(0, 7, (2, 101)) % 6 + (rng.random((2, 101)) < 0.05)
    metric = MacroF1(num_classes=11)  # some of them never occur
    for rows in (slice(0, 3), slice(3, 90), slice(90, 101)):
        metric.update_state(truth[rows], predicted[rows])
    expected = sklearn.metrics.f1_score(truth, predicted, average="macro")
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


def test_macro_f1_of_several_labels_and_weights_equals_scikit_learn(rng):
    truth, predicted = rng.random((2, 53, 5)) < 0.4
    weights = rng.uniform(0, 2, 53)
    metric = MacroF1(num_classes=5)
    metric.update_state(truth[:20], predicted[:20], weights[:20])
    metric.update_state(truth[20:], predicted[20:], weights[20:])
    expected = sklearn.metrics.f1_score(truth, predicted, average="macro", sample_weight=weights)
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


def random_tags(rng, lengths, valid):
    rows = [rng.integers(0, 5, length) for length in lengths]
    for row in rows if valid else []:
        for place, tag in enumerate(row):
            before = row[place - 1] if place else 0
            if tag in (2, 4) and before not in (tag - 1, tag):
                row[place] = tag - 1
    return rows


def padded(rows):
    return tf.ragged.constant([row.tolist() for row in rows], dtype=tf.int32).to_tensor()


def names_of(rows):
    return [[TAGS[tag] for tag in row] for row in rows]


@pytest.mark.parametrize("valid", [True, False])
def test_entity_scores_equal_seqeval(rng, valid):
    lengths = rng.integers(1, 14, 61)
    truth = random_tags(rng, lengths, valid)
    predicted = random_tags(rng, lengths, valid)
    for row, right in zip(predicted[::2], truth[::2], strict=True):
        row[: len(row) * 2 // 3] = right[: len(row) * 2 // 3]
    for quantity in ("precision", "recall", "f1"):
        metric = EntityScore(quantity)
        metric.update_state(padded(truth[:7]), padded(predicted[:7]))
        metric.update_state(padded(truth[7:]), padded(predicted[7:]))
        score = getattr(seqeval.metrics, f"{quantity}_score")
        expected = score(names_of(truth), names_of(predicted))
        assert 0.1 < expected < 0.9
        np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


def test_entity_borders_by_hand():
    #        B-date I-date I-city O I-date B-date B-date | I-city O ...
    names, begins, ends = entity_borders([[1, 2, 4, 0, 2, 1, 1], [4, 0, 0, 0, 0, 3, 4]])
    assert names.numpy().tolist() == [[0, 0, 1, -1, 0, 0, 0], [1, -1, -1, -1, -1, 1, 1]]
    assert begins.numpy().astype(int).tolist() == [[1, 0, 1, 0, 1, 1, 1], [1, 0, 0, 0, 0, 1, 0]]
    assert ends.numpy().astype(int).tolist() == [[0, 1, 1, 0, 1, 1, 1], [1, 0, 0, 0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("metric", "seen"), [(MacroF1(3), [1]), (EntityScore("recall", name="r"), [[1, 2]])]
)
def test_empty_reset_and_config(metric, seen):
    assert float(metric.result()) == 0
    metric.update_state(seen, seen)
    assert float(metric.result()) == 1
    metric.reset_state()
    assert float(metric.result()) == 0
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert twin.get_config() == metric.get_config()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="`quantity` must be one of precision, recall, f1"):
        EntityScore("f2")
    with pytest.raises(ValueError, match="`sample_weight` must be None"):
        EntityScore().update_state([[1]], [[1]], [[1.0]])
