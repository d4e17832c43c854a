import math

import numpy as np
import pytest
import tensorflow as tf

from tfzoo.samplers import Sampler
from tfzoo.samplers.sampler import draw

SEED = [3, 5]
SHARES = np.array([0.4, 0.3, 0.2, 0.07, 0.03])
ROWS = 20011


def sample(sampler, logits, text=(), seed=SEED):
    """Next tokens of rows of logits that all have the same text."""
    logits = tf.constant(logits, tf.float32)
    text = tf.tile(tf.constant([[*text, 0]], tf.int32), [len(logits), 1])
    written = tf.ones_like(text, tf.bool) & (tf.range(text.shape[1]) < text.shape[1] - 1)
    return np.asarray(sampler(logits, text, written, seed))


def assert_frequencies(tokens, shares):
    """Each count is within five standard deviations of its binomial."""
    counts = np.bincount(tokens, minlength=len(shares))
    spread = np.sqrt(len(tokens) * shares * (1 - shares))
    np.testing.assert_array_less(np.abs(counts - len(tokens) * shares), 5 * spread + 1e-6)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


def many(logits):
    return np.tile(logits, (ROWS, 1))


def test_draw_follows_the_softmax():
    assert_frequencies(np.asarray(draw(many(np.log(SHARES) + 3), SEED)), SHARES)


def test_draw_is_another_with_another_seed_and_in_every_row():
    logits = tf.zeros([ROWS, 5])
    one, other = np.asarray(draw(logits, [3, 5])), np.asarray(draw(logits, [3, 6]))
    np.testing.assert_array_equal(one, draw(logits, [3, 5]))
    chance = 5 * math.sqrt(0.2 * 0.8 / ROWS)
    assert abs(np.mean(one == other) - 0.2) < chance
    assert abs(np.mean(one[1:] == one[:-1]) - 0.2) < chance


def test_greedy_by_default():
    assert not Sampler().is_random
    assert sample(Sampler(), [[1, 5, 3], [-9, -7, -8]]).tolist() == [1, 1]


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p", "min_p"])
def test_each_of_these_makes_it_random(name):
    sampler = Sampler(**{name: 1})
    assert sampler.is_random


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_divides_the_logits(temperature):
    logits = np.log(SHARES)
    expected = softmax(logits / temperature)
    assert_frequencies(sample(Sampler(temperature=temperature), many(logits)), expected)


def test_temperature_at_its_limits():
    logits = many(np.log(SHARES))
    assert set(sample(Sampler(temperature=1e-5), logits)) == {0}
    assert set(sample(Sampler(temperature=1e-30), logits)) == {0}
    assert_frequencies(sample(Sampler(temperature=1e6), logits), np.full(5, 0.2))


def test_a_served_temperature_of_zero_is_greedy():
    logits = many([0.1, 0.0, 0.1 + 1e-6])  # so near that no division would tell them apart
    for temperature in (0.0, 1.0):
        tokens = sample(Sampler(temperature=tf.constant(temperature), top_k=tf.constant(3)), logits)
        assert (set(tokens) == {2}) == (temperature == 0)


def test_filters_keep_their_sets_and_the_proportions_within():
    logits = many(np.log(SHARES))
    cases = [
        (Sampler(top_k=2), {0, 1}),
        (Sampler(top_p=0.65), {0, 1}),
        (Sampler(min_p=0.6), {0, 1}),
        (Sampler(top_k=3), {0, 1, 2}),
        (Sampler(top_p=0.75), {0, 1, 2}),
        (Sampler(min_p=0.4), {0, 1, 2}),
        (Sampler(top_k=1), {0}),
    ]
    for sampler, kept in cases:
        shares = np.where([token in kept for token in range(5)], SHARES, 0)
        assert_frequencies(sample(sampler, logits), shares / shares.sum())


def test_temperature_acts_before_top_p_and_min_p():
    # Squared shares are 0.16, 0.09, 0.04, 0.0049 and 0.0009 of 0.2958: the first two are 0.845.
    logits = many(np.log(SHARES))
    assert set(sample(Sampler(temperature=0.5, top_p=0.8), logits)) == {0, 1}
    assert set(sample(Sampler(temperature=1.0, top_p=0.8), logits)) == {0, 1, 2}
    assert set(sample(Sampler(temperature=0.5, min_p=0.3), logits)) == {0, 1}
    assert set(sample(Sampler(temperature=1.0, min_p=0.3), logits)) == {0, 1, 2}


def test_bans_hold_when_greedy_and_when_hot():
    logits = many(np.log(SHARES))
    assert set(sample(Sampler(banned_token_ids=(0, 2)), logits)) == {1}
    for banned in ((0, 2), [0, 2], np.array([0, 2])):
        hot = Sampler(banned_token_ids=banned, temperature=1e4)
        assert set(sample(hot, logits)) == {1, 3, 4}
    # With fewer tokens left than k, the banned ones do not come back.
    assert set(sample(Sampler(banned_token_ids=(0, 1, 2), top_k=4), logits)) == {3, 4}
    assert set(sample(Sampler(banned_token_ids=(0, 1, 2), top_p=0.9999999), logits)) == {3, 4}


def test_repetition_penalty_and_ngrams_look_at_the_text():
    logits = np.array([[2.0, 1.5, 1.0, -1.0]])
    assert sample(Sampler(), logits, text=[0]) == [0]
    assert sample(Sampler(repetition_penalty=1.5), logits, text=[0]) == [1]
    assert sample(Sampler(repetition_penalty=1.5), logits, text=[1]) == [0]
    assert sample(Sampler(no_repeat_ngrams=1), logits, text=[0, 1]) == [2]
    assert sample(Sampler(no_repeat_ngrams=2), logits, text=[2, 0, 3, 2]) == [1]
    assert sample(Sampler(no_repeat_ngrams=2), logits, text=[2, 0, 3]) == [0]


def test_half_precision_logits_are_sampled_in_float32():
    text, written = tf.zeros([ROWS, 1], tf.int32), tf.zeros([ROWS, 1], tf.bool)
    shares = np.array([0.5, 0.25, 0.125, 0.125])  # whose logarithms differ by multiples of ln 2
    logits = tf.cast(many(np.log2(shares)), "bfloat16")
    tokens = Sampler(temperature=1 / math.log(2))(logits, text, written, SEED)
    assert_frequencies(np.asarray(tokens), shares)


def test_a_list_of_bans_makes_no_other_sampler():
    assert Sampler(banned_token_ids=[2, 3]) == Sampler(banned_token_ids=(2, 3))
    assert hash(Sampler(banned_token_ids=[2, 3])) == hash(Sampler(banned_token_ids=(2, 3)))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("temperature", 0, "greater than 0; received 0. For greedy decoding leave it out"),
        ("temperature", -1.5, "greater than 0; received -1.5"),
        ("repetition_penalty", 0.0, "greater than 0; received 0.0"),
        ("top_k", 0, "an int, 1 or more; received 0"),
        ("top_k", 2.5, "an int, 1 or more; received 2.5"),
        ("no_repeat_ngrams", 0, "an int, 1 or more; received 0"),
        ("top_p", 0, "greater than 0 and at most 1; received 0"),
        ("top_p", 1.1, "greater than 0 and at most 1; received 1.1"),
        ("min_p", math.nan, "greater than 0 and at most 1; received nan"),
    ],
)
def test_bad_input(name, value, expected):
    with pytest.raises(ValueError, match=f"`{name}` must be {expected}"):
        Sampler(**{name: value})
