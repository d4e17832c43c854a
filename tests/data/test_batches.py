import time

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfzoo.data import batches, shuffled_batches, shuffled_indices

small = settings(max_examples=20)
sizes = st.integers(1, 23)
seeds = st.integers(-(2**63), 2**63)


def rows_of(dataset):
    return [batch.tolist() for batch in dataset.as_numpy_iterator()]


@small
@given(num_rows=sizes, batch_size=sizes, seed=seeds)
def test_every_epoch_is_a_permutation(num_rows, batch_size, seed):
    steps = -(-3 * num_rows // batch_size)
    rows = [shuffled_indices(step, batch_size, num_rows, seed).numpy() for step in range(steps)]
    epochs = np.concatenate(rows)[: 3 * num_rows].reshape(3, num_rows)
    np.testing.assert_array_equal(np.sort(epochs), [range(num_rows)] * 3)


@small
@given(num_rows=sizes, batch_size=st.integers(1, 7), seed=seeds, skipped=st.integers(0, 9))
def test_skip_continues_where_a_run_stopped(num_rows, batch_size, seed, skipped):
    dataset = shuffled_batches(np.arange(num_rows), batch_size, seed=seed)
    whole = rows_of(dataset.take(skipped + 5))
    again = shuffled_batches(np.arange(num_rows), batch_size, seed=seed)
    assert rows_of(again.skip(skipped).take(5)) == whole[skipped:]
    started = shuffled_batches(np.arange(num_rows), batch_size, seed=seed, start=skipped)
    assert rows_of(started.take(5)) == whole[skipped:]


@pytest.mark.parametrize("seed", [0, 5, 2**32, -1])
def test_epochs_and_seeds_have_orders_of_their_own(seed):
    num_rows = 20_011
    orders = [
        shuffled_indices(0, num_rows, num_rows, seed),
        shuffled_indices(1, num_rows, num_rows, seed),
        shuffled_indices(2, num_rows, num_rows, seed),
        shuffled_indices(256, num_rows, num_rows, seed),
        shuffled_indices(0, num_rows, num_rows, seed + 1),
        shuffled_indices(0, num_rows, num_rows, seed + 256),
        shuffled_indices(0, num_rows, num_rows, seed + 2**32),
        np.arange(num_rows),
    ]
    # The correlation of independent orders times sqrt(N) is a standard normal variable.
    z = np.corrcoef(orders) * np.sqrt(num_rows)
    assert np.abs(z[~np.eye(len(orders), dtype=bool)]).max() < 4.5


def test_first_place_falls_on_every_row_alike():
    num_rows, num_epochs = 101, 808
    rows = shuffled_indices(0, num_rows * num_epochs, num_rows, seed=11).numpy()
    counts = np.bincount(rows.reshape(num_epochs, num_rows)[:, 0], minlength=num_rows)
    chi_square = np.sum((counts - num_epochs / num_rows) ** 2) / (num_epochs / num_rows)
    assert chi_square < 149.4  # 0.999 quantile with 100 degrees of freedom


def test_gathers_the_same_rows_from_every_array():
    numbers = np.random.default_rng(3).normal(size=(11, 3, 2)).astype("float32")
    names = np.array([f"row {i}" for i in range(11)])
    features = {"names": names, "mask": numbers[..., 0] > 0}
    dataset = shuffled_batches((features, tf.constant(numbers)), 4, seed=7, epochs=3)
    for step, (x, y) in enumerate(dataset.as_numpy_iterator()):
        rows = shuffled_indices(step, 4, 11, seed=7).numpy()
        np.testing.assert_array_equal(y, numbers[rows])
        np.testing.assert_array_equal(x["mask"], numbers[rows][..., 0] > 0)
        np.testing.assert_array_equal(x["names"].astype(str), names[rows])
    assert step + 1 == 3 * 11 // 4


def test_shapes_are_static_and_the_cardinality_is_known():
    arrays = {"x": np.zeros((11, 5), "int32")}
    for_ever = shuffled_batches(arrays, 3)
    assert for_ever.cardinality() == tf.data.INFINITE_CARDINALITY
    assert for_ever.element_spec["x"].shape == (3, 5)
    assert len(shuffled_batches(arrays, 3, epochs=2)) == 7
    assert len(shuffled_batches(arrays, 3, epochs=2, start=5)) == 2
    assert for_ever.skip(5).cardinality() == tf.data.INFINITE_CARDINALITY
    assert len(batches(arrays, 3)) == 4
    assert batches(arrays, 3).element_spec["x"].shape.as_list() == [None, 5]
    assert batches(arrays, 11).element_spec["x"].shape == (11, 5)
    assert batches(arrays, 3, pad_last=True).element_spec["x"].shape == (3, 5)


@small
@given(num_rows=sizes, batch_size=sizes)
def test_evaluation_sees_every_row_once(num_rows, batch_size):
    rows = rows_of(batches(np.arange(num_rows) + 1, batch_size))
    assert sum(rows, []) == list(range(1, num_rows + 1))
    assert {len(row) for row in rows[:-1]} <= {batch_size}
    padded = rows_of(batches(np.arange(num_rows) + 1, batch_size, pad_last=True))
    assert sum(padded, []) == sum(rows, []) + [0] * (-num_rows % batch_size)


def test_padding_is_false_or_empty_in_other_types():
    arrays = {"mask": np.array([True] * 3), "text": np.array(["a", "b", "c"])}
    last = list(batches(arrays, 2, pad_last=True).as_numpy_iterator())[-1]
    assert last["mask"].tolist() == [True, False]
    assert last["text"].tolist() == [b"c", b""]


@pytest.mark.parametrize("make", [shuffled_batches, batches])
def test_an_iterator_costs_nothing_to_throw_away(make):
    dataset = make(np.arange(100_003), 2)
    assert dataset.options().autotune.enabled is False
    iterator = iter(dataset)
    end = time.perf_counter() + 0.5
    while time.perf_counter() < end:
        next(iterator)
    start = time.perf_counter()
    del iterator
    # An autotuned one takes as long as it was used.
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize("make", [shuffled_batches, batches])
def test_replicas_share_each_batch(make):
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    dataset = make(np.arange(12), 4)
    for parts, whole in zip(
        strategy.experimental_distribute_dataset(dataset), dataset.take(3), strict=False
    ):
        values = [part.numpy().tolist() for part in strategy.experimental_local_results(parts)]
        assert values == [whole[:2].numpy().tolist(), whole[2:].numpy().tolist()]
    assert dataset.options().experimental_distribute.auto_shard_policy == (
        tf.data.experimental.AutoShardPolicy.DATA
    )


@pytest.mark.parametrize("make", [shuffled_batches, batches])
@pytest.mark.parametrize(
    ("arrays", "batch_size", "error", "sentence"),
    [
        ({"a": np.ones(3), "b": np.ones(5)}, 2, ValueError, "one length .* got lengths 3, 5"),
        ((np.ones((0, 3)),), 2, ValueError, "at least 1 .* got lengths 0"),
        ({}, 2, ValueError, "got lengths none"),
        (np.ones(3), 0, ValueError, "batch_size .* at least 1, got 0"),
        (np.ones(3), 2.0, ValueError, "batch_size must be a whole number .* got 2.0"),
        ([1, 2, 3], 2, TypeError, "NumPy arrays or dense tensors .* got int"),
        (tf.ragged.constant([[1], [2, 3]]), 1, TypeError, "got RaggedTensor: .* pad or pack"),
    ],
)
def test_bad_arrays_are_named(make, arrays, batch_size, error, sentence):
    with pytest.raises(error, match=sentence):
        make(arrays, batch_size)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"batch_size": 7, "epochs": 2},
            "epochs=2 over 3 rows in batches of 7 have no step start=0",
        ),
        ({"batch_size": 1, "epochs": 0}, "epochs=0 over 3 rows"),
        ({"batch_size": 2, "epochs": 4, "start": 6}, "epochs=4 .* have no step start=6"),
        ({"batch_size": 2, "start": -1}, "have no step start=-1"),
    ],
)
def test_runs_without_a_batch_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        shuffled_batches(np.arange(3), **arguments)
