import pytest
import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
if tf.config.get_logical_device_configuration(CPU) is None:
    tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture
def two_replicas():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
