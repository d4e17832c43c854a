import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.samplers import (
    ban_repeated_ngrams,
    ban_tokens,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalize_repetition,
)

# Probabilities 0.15, 0.5, 0.05 and 0.3, and the same in another order and with another constant.
ROWS = np.log([[0.15, 0.5, 0.05, 0.3], [0.3, 0.05, 0.15, 0.5]]) + [[0], [7]]


def kept(filtered, logits):
    """The tokens of each row that stay possible; what stays must not have changed."""
    filtered, logits = np.asarray(filtered), np.asarray(logits, "float32")
    possible = filtered > -1e8
    np.testing.assert_array_equal(filtered[possible], logits[possible])
    return [set(np.flatnonzero(row).tolist()) for row in possible]


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (1, [{1}, {3}]),
        (2, [{1, 3}, {3, 0}]),
        (3, [{0, 1, 3}, {0, 2, 3}]),
        (4, [{0, 1, 2, 3}] * 2),
        (99, [{0, 1, 2, 3}] * 2),
        (0, [{0, 1, 2, 3}] * 2),
    ],
)
def test_top_k_by_hand(k, expected):
    logits = tf.constant(ROWS, tf.float32)
    assert kept(keep_top_k(logits, k), logits) == expected
    assert kept(keep_top_k(logits, tf.constant(k)), logits) == expected


def test_top_k_keeps_ties_with_the_last():
    logits = tf.constant([[3.0, 5.0, 3.0, 1.0, 3.0], [2.0, 2.0, 2.0, 2.0, 2.0]])
    assert kept(keep_top_k(logits, 2), logits) == [{0, 1, 2, 4}, {0, 1, 2, 3, 4}]
    assert kept(keep_top_k(logits, 1), logits)[0] == {1}


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.01, [{1}, {3}]),
        (0.49, [{1}, {3}]),
        (0.51, [{1, 3}, {3, 0}]),
        (0.79, [{1, 3}, {3, 0}]),
        (0.81, [{0, 1, 3}, {0, 2, 3}]),
        (0.96, [{0, 1, 2, 3}] * 2),
        (1.0, [{0, 1, 2, 3}] * 2),
    ],
)
def test_top_p_by_hand(p, expected):
    logits = tf.constant(ROWS, tf.float32)
    assert kept(keep_top_p(logits, p), logits) == expected
    assert kept(keep_top_p(logits, tf.constant(p)), logits) == expected


def test_top_p_is_the_smallest_set_that_reaches_p():
    rng = np.random.default_rng(3)
    logits = (rng.normal(size=(53, 13)) * 2).astype("float32")
    for p in (0.07, 0.31, 0.59, 0.97):
        expected = []
        for row in logits.astype("float64"):
            shares = np.exp(row) / np.exp(row).sum()
            chosen, total = set(), 0.0
            for token in sorted(range(13), key=lambda token: -shares[token]):
                if total < p:
                    chosen.add(token)
                    total += shares[token]
            expected.append(chosen)
        assert kept(keep_top_p(tf.constant(logits), p), logits) == expected


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.05, [{0, 1, 2, 3}] * 2),  # at least 0.025
        (0.2, [{0, 1, 3}, {0, 2, 3}]),  # at least 0.1
        (0.5, [{1, 3}, {3, 0}]),  # at least 0.25
        (0.7, [{1}, {3}]),
        (1.0, [{1}, {3}]),
    ],
)
def test_min_p_by_hand(p, expected):
    logits = tf.constant(ROWS, tf.float32)
    assert kept(keep_min_p(logits, p), logits) == expected
    assert kept(keep_min_p(logits, tf.constant(p)), logits) == expected


def test_repetition_is_penalized_on_both_sides_of_zero():
    logits = tf.constant([[2.0, -2.0, 0.5, -1.0, 0.0], [2.0, -2.0, 0.5, -1.0, 3.0]])
    token_ids = tf.constant([[3, 1, 0, 1], [4, 4, 2, 2]])
    written = tf.constant([[False, True, True, True], [True, True, False, False]])
    expected = [[0.5, -8.0, 0.5, -1.0, 0.0], [2.0, -2.0, 0.5, -1.0, 0.75]]
    np.testing.assert_array_equal(penalize_repetition(logits, token_ids, written, 4.0), expected)
    np.testing.assert_array_equal(penalize_repetition(logits, token_ids, written, 1.0), logits)


def test_banned_tokens_are_impossible():
    logits = tf.constant(ROWS, tf.float32)
    assert kept(ban_tokens(logits, [1]), logits) == [{0, 2, 3}] * 2
    assert kept(ban_tokens(logits, (3, 0, 3)), logits) == [{1, 2}] * 2
    assert kept(ban_tokens(logits, ()), logits) == [{0, 1, 2, 3}] * 2


def repeating(text, length, vocabulary_size):
    """The tokens after which the last n-gram of the text would be one that it has already."""
    ngrams = {tuple(text[i : i + length]) for i in range(len(text) - length + 1)}
    return {v for v in range(vocabulary_size) if tuple([*text, v][-length:]) in ngrams}


@hypothesis.given(
    texts=st.lists(st.lists(st.integers(0, 2), max_size=9), min_size=3, max_size=3),
    length=st.integers(1, 4),
    room=st.integers(0, 3),
    rng=st.randoms(use_true_random=False),
)
@hypothesis.settings(max_examples=150)
def test_repeated_ngrams_are_banned_on_rows_padded_on_the_left(texts, length, room, rng):
    # Unwritten slots on both sides hold anything.
    num_slots = 9 + room
    token_ids, written = [], []
    for text in texts:
        left = 9 - len(text)
        token_ids.append(
            [rng.randrange(3) for _ in range(left)] + text + [rng.randrange(3) for _ in range(room)]
        )
        written.append([left <= slot < 9 for slot in range(num_slots)])
    logits = tf.constant([[0.5, -1.5, 2.5]] * 3)
    result = ban_repeated_ngrams(logits, tf.constant(token_ids), tf.constant(written), length)
    expected = [{0, 1, 2} - repeating(text, length, 3) for text in texts]
    assert kept(result, logits) == expected


def test_equal_inside_xla_with_settings_as_tensors():
    token_ids, written = tf.constant([[0, 1, 0], [3, 3, 2]]), tf.ones([2, 3], tf.bool)

    def filtered(logits, k, p):
        logits = penalize_repetition(logits, token_ids, written, 1.3)
        logits = ban_repeated_ngrams(ban_tokens(logits, (2,)), token_ids, written, 2)
        return keep_top_k(logits, k), keep_top_p(logits, p), keep_min_p(logits, p)

    arguments = tf.constant(ROWS, tf.float32), tf.constant(2), tf.constant(0.4)
    for one, other in zip(
        filtered(*arguments), tf.function(filtered, jit_compile=True)(*arguments), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)
