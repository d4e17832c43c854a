import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfzoo.data import bucketed_batches, sorted_batches

small = settings(max_examples=15, deadline=None)


def rows_of_lengths(lengths):
    """Row n holds the number n + 1 as often as it is long."""
    return tf.ragged.constant([[n + 1] * length for n, length in enumerate(lengths)], tf.int32, 1)


def uneven(num_rows, longest=23, seed=5):
    return np.random.default_rng(seed).integers(1, longest + 1, num_rows)


def numbers(dataset):
    """The rows of each batch by their numbers."""
    return [batch[:, 0].tolist() for batch in dataset.as_numpy_iterator()]


@small
@given(num_rows=st.integers(1, 41), batch_size=st.integers(1, 11), seed=st.integers(0, 2**40))
def test_every_row_comes_once_in_an_epoch_and_at_most_one_batch_is_smaller(
    num_rows, batch_size, seed
):
    rows = rows_of_lengths(uneven(num_rows))
    found = numbers(bucketed_batches(rows, batch_size, seed=seed, epochs=2))
    steps = -(-num_rows // batch_size)
    assert len(found) == 2 * steps
    for epoch in (found[:steps], found[steps:]):
        assert sorted(sum(epoch, [])) == list(range(1, num_rows + 1))
        assert sum(len(batch) != batch_size for batch in epoch) == (num_rows % batch_size > 0)


def test_rows_are_whole_and_a_batch_is_no_longer_than_its_rows_need():
    lengths = uneven(97)
    rows = {"x": rows_of_lengths(lengths), "mask": tf.ones_like(rows_of_lengths(lengths), tf.bool)}
    dataset = bucketed_batches((rows, np.arange(97)), 7, epochs=1, multiple=4)
    for x, number in dataset.as_numpy_iterator():
        expected = np.zeros_like(x["x"])
        for row, n in enumerate(number):
            expected[row, : lengths[n]] = n + 1
        np.testing.assert_array_equal(x["x"], expected)
        np.testing.assert_array_equal(x["mask"], expected > 0)
        longest = max(lengths[n] for n in number)
        assert x["x"].shape[1] == min(-(-longest // 4) * 4, max(lengths))


def test_hardly_any_padding_is_left():
    lengths = uneven(4001, longest=64)
    dataset = bucketed_batches(rows_of_lengths(lengths), 32, epochs=1, multiple=1)
    computed = sum(batch.size for batch in dataset.as_numpy_iterator())
    assert computed < 1.03 * lengths.sum()
    assert 64 * 4001 > 1.9 * lengths.sum()  # what rows of one length would cost


def test_epochs_and_seeds_have_orders_of_their_own_and_start_goes_on():
    rows = rows_of_lengths(uneven(53))
    whole = numbers(bucketed_batches(rows, 5, seed=3, epochs=3))
    assert whole == numbers(bucketed_batches(rows, 5, seed=3, epochs=3))
    first, second = whole[:11], whole[11:22]
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))
    assert whole != numbers(bucketed_batches(rows, 5, seed=4, epochs=3))
    for start in (0, 4, 11, 17):
        going_on = bucketed_batches(rows, 5, seed=3, start=start)
        assert going_on.cardinality() == tf.data.INFINITE_CARDINALITY
        assert numbers(going_on.take(9)) == whole[start : start + 9]
        assert numbers(bucketed_batches(rows, 5, seed=3, epochs=3).skip(start)) == whole[start:]
    assert len(bucketed_batches(rows, 5, epochs=3, start=4)) == 29


def test_the_order_of_batches_does_not_follow_their_length():
    lengths = uneven(4001)
    dataset = bucketed_batches(rows_of_lengths(lengths), 8, epochs=1, multiple=1)
    order = [batch.shape[1] for batch in dataset.as_numpy_iterator()]
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.15


def test_ragged_parts_of_different_length_are_padded_alike():
    source, target = tf.ragged.constant([[1, 1, 1], [2]]), tf.ragged.constant([[1], [2, 2]])
    ((a, b),) = bucketed_batches((source, target), 2, epochs=1).as_numpy_iterator()
    assert a.shape == b.shape == (2, 3)


def test_sorted_batches_see_every_row_once_and_say_which():
    lengths = uneven(43)
    dataset, order = sorted_batches(rows_of_lengths(lengths), 8, multiple=1)
    batches = list(dataset.as_numpy_iterator())
    found = np.concatenate([batch[:, 0] for batch in batches])
    np.testing.assert_array_equal(found, order + 1)
    np.testing.assert_array_equal(found[np.argsort(order)], np.arange(43) + 1)
    assert [batch.shape[1] for batch in batches] == sorted(lengths, reverse=True)[::8]


@pytest.mark.parametrize(
    ("rows", "arguments", "sentence"),
    [
        (np.ones((3, 2)), {}, "rows must hold at least one tf.RaggedTensor"),
        ((rows_of_lengths([1, 2]), np.ones(3)), {}, "one number of rows of at least 1, got 2, 3"),
        (rows_of_lengths([]), {}, "one number of rows of at least 1, got 0"),
        (rows_of_lengths([1]), {"batch_size": 0}, "batch_size must be .* at least 1, got 0"),
        (rows_of_lengths([1]), {"multiple": 0}, "multiple must be .* at least 1, got 0"),
        (rows_of_lengths([1]), {"epochs": 2, "start": 2}, "no step start=2: take more epochs"),
    ],
)
def test_bad_arguments_are_named(rows, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        bucketed_batches(rows, **{"batch_size": 2, **arguments})
