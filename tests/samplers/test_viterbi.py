import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfzoo.samplers import bio_transitions, viterbi


def brute_force(log_probs, may_follow):
    """The best of all allowed sequences, by looking at each."""

    def score(tags):
        if not all(may_follow[a, b] for a, b in itertools.pairwise((0, *tags))):
            return -np.inf
        return sum(log_probs[place, tag] for place, tag in enumerate(tags))

    sequences = itertools.product(range(len(may_follow)), repeat=len(log_probs))
    return list(max(sequences, key=score))


@pytest.mark.parametrize("kind", ["bio", 0, 1, 2])
def test_equals_brute_force_for_sentences_of_any_length(kind):
    rng = np.random.default_rng(5 if kind == "bio" else kind)
    may_follow = bio_transitions(2)
    if kind != "bio":
        may_follow = (rng.random((5, 5)) < 0.5) & ~np.eye(5, dtype=bool)  # no tag twice in a row
        may_follow[0] = may_follow[:, 0] = True
    lengths = np.array([5, 0, 1, 3, 4, 2, 5])
    log_probs = rng.normal(0, 3, (7, 5, 5)).astype("float32")
    expected = [
        brute_force(rows[:length], may_follow) + [0] * (5 - length)
        for rows, length in zip(log_probs, lengths, strict=True)
    ]
    assert viterbi(log_probs, lengths, may_follow).numpy().tolist() == expected
    graph = tf.function(
        lambda x, n: viterbi(x, n, may_follow),
        input_signature=[tf.TensorSpec([None, None, 5]), tf.TensorSpec([None], tf.int64)],
    )
    assert graph(log_probs, lengths).numpy().tolist() == expected
    assert graph(log_probs[:, :0], lengths * 0).shape == (7, 0)
    # The constraint changes something, or nothing was tested.
    plain = np.argmax(log_probs, -1) * (np.arange(5) < lengths[:, None])
    assert plain.tolist() != expected


def test_bio_transitions_by_hand():
    # O, B-a, I-a, B-b, I-b
    assert bio_transitions(2).astype(int).tolist() == [
        [1, 1, 0, 1, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 1, 1],
        [1, 1, 0, 1, 1],
    ]
