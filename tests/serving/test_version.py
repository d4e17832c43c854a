"""A version is warmed up by the requests that were exported with it."""

import pytest
import tensorflow as tf

from tfzoo.export.warm_up import FILE, prediction_log
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
