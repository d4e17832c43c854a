"""What holds for every test: the back end, the devices, the seeds, and where data are found."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
# No test downloads anything, and a library that tries says so at once.
os.environ["HF_HUB_OFFLINE"] = "1"
# Expected values are for a CPU; export CUDA_VISIBLE_DEVICES=0 to see what a GPU makes of them.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import hypothesis
import keras
import pytest
import tensorflow as tf

ROOT = Path(__file__).resolve().parent.parent
SEED = 1729

# TensorFlow takes devices and threads only before its first operation.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers share the cores already: more threads would only take turns.
    tf.config.threading.set_intra_op_parallelism_threads(1)

# The first example of a property traces a graph, which is slow once and says nothing.
hypothesis.settings.register_profile("tfzoo", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tfzoo")


@pytest.fixture(autouse=True)
def seeded():
    """Starts every test from the same random state, whatever ran before it."""
    keras.utils.set_random_seed(SEED)


@pytest.fixture(scope="session")
def data_dir():
    """Real data: the folder that TFZOO_DATA_DIR names, or shared/data beside the repository."""
    folder = Path(os.environ.get("TFZOO_DATA_DIR", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: TFZOO_DATA_DIR is not set and {folder} does not exist")
    return folder


@pytest.fixture
def two_replicas():
    """A strategy with two replicas on logical CPUs."""
    # Collectives of a second strategy in one process would meet those of the first.
    reduction = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=reduction)
