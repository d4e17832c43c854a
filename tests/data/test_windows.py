import itertools

import numpy as np
import pytest

from tfzoo.data import random_windows

SEQUENCE = np.random.default_rng(47).permutation(101)  # each number once: a window says where it is


def batches_of(dataset, number):
    return [(x["token_ids"].numpy(), y.numpy()) for x, y in itertools.islice(dataset, number)]


def starts_of(batches):
    """Where each row began; fails unless all rows are windows and targets their next tokens."""
    place = {token: i for i, token in enumerate(SEQUENCE.tolist())}
    starts = []
    for inputs, targets in batches:
        for row, following in zip(inputs, targets, strict=True):
            start = place[row[0]]
            np.testing.assert_array_equal(row, SEQUENCE[start : start + len(row)])
            np.testing.assert_array_equal(following, SEQUENCE[start + 1 : start + 1 + len(row)])
            starts.append(start)
    return starts


def test_rows_are_windows_and_targets_their_next_tokens():
    batches = batches_of(random_windows(SEQUENCE, length=7, batch_size=3, seed=5), 13)
    assert {(x.shape, y.shape, x.dtype.name, y.dtype.name) for x, y in batches} == {
        ((3, 7), (3, 7), "int32", "int32")
    }
    assert len(starts_of(batches)) == 39


def test_every_start_is_equally_likely():
    # 101 - 97 windows of 97 inputs and one more target: starts 0 to 3.
    starts = starts_of(batches_of(random_windows(SEQUENCE, length=97, batch_size=211), 5))
    counts = np.bincount(starts, minlength=4)
    assert len(counts) == 4
    assert np.all(np.abs(counts - 1055 / 4) < 5 * (1055 * 3 / 16) ** 0.5)


def test_skipping_goes_on_where_a_run_stopped():
    whole = batches_of(random_windows(SEQUENCE, 7, 3, seed=5), 9)
    rest = batches_of(random_windows(SEQUENCE, 7, 3, seed=5).skip(4), 5)
    np.testing.assert_equal(rest, whole[4:])


def test_seeds_and_steps_draw_apart():
    def starts(seed):
        return np.array(starts_of(batches_of(random_windows(SEQUENCE, 7, 31, seed=seed), 7)))

    one, other = starts(5), starts(6)
    np.testing.assert_array_equal(one, starts(5))
    # 94 places: chance alone gives 2 or 3 equal starts among 217.
    assert np.sum(one == other) < 15
    steps = one.reshape(7, 31)
    assert np.sum(steps[1:] == steps[:-1]) < 15


def test_small_integers_are_widened():
    x, targets = next(iter(random_windows(np.array([255, 254], "uint8"), 1, 1)))
    assert x["token_ids"].numpy().tolist() == [[255]] and targets.numpy().tolist() == [[254]]


@pytest.mark.parametrize("length", [0, 101, 150])
def test_bad_length(length):
    with pytest.raises(ValueError, match=f"length must be at least 1 and below the 101.*{length}"):
        random_windows(SEQUENCE, length, 3)


def test_bad_batch_size():
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        random_windows(SEQUENCE, 7, 0)
