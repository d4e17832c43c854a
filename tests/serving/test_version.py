"""A version is warmed up by the requests that were exported with it."""

import numpy as np
import psutil
import pytest
import tensorflow as tf

from tfzoo.export.warm_up import FILE, prediction_log
from tfzoo.serving.model import give_back_memory
from tfzoo.serving.version import Version


def save(folder, compiled):
    """A signature of rows, and one whose answer is as wide as the widest of them."""
    module = tf.Module()
    triple = tf.function(lambda x: 3 * x, jit_compile=compiled)
    spec = tf.TensorSpec([None], tf.float32, "x")
    module.rows = tf.function(lambda x: {"y": triple(x)}, input_signature=[spec])
    module.wide = tf.function(lambda x: {"y": tf.linalg.diag(x)}, input_signature=[spec])
    signatures = {"rows": module.rows, "wide": module.wide}
    tf.saved_model.save(module, str(folder), signatures)
    (folder / FILE).parent.mkdir()
    with tf.io.TFRecordWriter(str(folder / FILE)) as file:
        for name in signatures:
            file.write(prediction_log(name, {"x": tf.constant([2.0])}))


@pytest.mark.parametrize(
    ("compiled", "rows", "sizes"),
    [(True, 1, [1]), (True, 4, [1, 2, 4]), (True, 5, [1, 2, 4, 8]), (False, 4, [1])],
)
def test_what_is_compiled_is_called_with_all_sizes(tmp_path, monkeypatch, compiled, rows, sizes):
    called, call = [], Version.call

    def noted(version, name, inputs):
        called.append((name, inputs["x"].tolist()))
        return call(version, name, inputs)

    monkeypatch.setattr(Version, "call", noted)
    save(tmp_path / "1", compiled)
    Version(tmp_path / "1", warm_up_rows=rows)
    assert called == [*(("rows", [2.0] * size) for size in sizes), ("wide", [2.0])]


def resident():
    """Bytes of this process in memory."""
    give_back_memory()
    return psutil.Process().memory_info().rss


def test_what_xla_compiled_for_a_version_goes_with_it(tmp_path):
    def deep(x):
        for number in range(60):  # each a kernel of its own
            x = tf.linalg.matvec(tf.fill([8, 8], 0.1), tf.sort(x + number))
        return x

    module = tf.Module()
    compiled = tf.function(deep, jit_compile=True)
    spec = tf.TensorSpec([None, 8], tf.float32, "x")
    module.deep = tf.function(lambda x: {"y": compiled(x)}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "1"), {"deep": module.deep})
    sizes = []
    for _ in range(6):
        version = Version(tmp_path / "1")
        version.call("deep", {"x": np.ones([1, 8])})
        with_version = resident()
        del version
        sizes.append(resident())
    # The first ones leave what TensorFlow keeps once.
    assert (sizes[-1] - sizes[2]) / 3 < 0.2 * (with_version - sizes[-1])
