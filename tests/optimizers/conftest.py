import pytest
import tensorflow as tf


@pytest.fixture
def two_replicas():
    # Collectives of a second strategy in one process would meet those of the first.
    reduction = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=reduction)
