import numpy as np
import tensorflow as tf
from numpy.testing import assert_array_equal

from tfzoo.callbacks.counted_batches import CountedBatches


def test_counts_wait_for_their_step_and_batches_stay_as_they_are():
    numbers = np.arange(13.0)
    data = tf.data.Dataset.from_tensor_slices(({"a": numbers}, numbers)).batch(3)
    batches = CountedBatches(
        data, lambda batch: tf.stack([tf.reduce_sum(batch[0]["a"]), tf.cast(len(batch), "float64")])
    )
    found = list(batches.dataset.prefetch(5))  # all are drawn before the first is asked for
    for (x, y), (expected_x, expected_y) in zip(found, data, strict=True):
        assert_array_equal(x["a"], expected_x["a"])
        assert_array_equal(y, expected_y)
    assert_array_equal(batches.take(1), [0 + 1 + 2, 2])
    assert_array_equal(batches.take(2), [sum(range(3, 9)), 4])
    assert_array_equal(batches.take(9), [sum(range(9, 13)), 4])
    assert batches.take(1) == 0
    assert int(batches.dataset.cardinality()) == 5
