"""What makes a bundle more than a SavedModel: versions, defaults, and what it says of itself."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

import tfzoo
from tfzoo.export.warm_up import prediction_log


def gan(packing=1):
    networks = tfzoo.models.MLPGenerator((3,), (5,)), tfzoo.models.MLPDiscriminator((5,))
    return tfzoo.models.GAN(*networks, latent_dim=2, packing=packing)


def test_versions_are_counted_and_never_overwritten(tmp_path):
    bundle = tmp_path / "new" / "bundle"
    assert tfzoo.export_bundle(gan(), bundle) == bundle / "1"
    assert tfzoo.export_bundle(gan(), bundle, version=9) == bundle / "9"
    (bundle / "notes").mkdir()
    assert tfzoo.export_bundle(gan(), bundle) == bundle / "10"
    before = (bundle / "9" / "saved_model.pb").read_bytes()
    with pytest.raises(FileExistsError, match="`folder` must not exist yet"):
        tfzoo.export_bundle(gan(), bundle, version=9)
    assert (bundle / "9" / "saved_model.pb").read_bytes() == before
    assert sorted(os.listdir(bundle)) == ["1", "10", "9", "notes", "tfzoo.json"]


@pytest.mark.parametrize("version", [0, -1, 1.5, "2"])
def test_a_version_is_a_number(tmp_path, version):
    with pytest.raises(ValueError, match="`version` must be an int, 1 or more; received"):
        tfzoo.export_bundle(gan(), tmp_path / "bundle", version)
    assert os.listdir(tmp_path) == []


def test_a_bundle_is_of_one_model(tmp_path):
    (tmp_path / "tfzoo.json").write_text('{"format": 1, "model": "GPTCausalLM"}')
    with pytest.raises(ValueError, match="which holds versions of a GPTCausalLM. Choose another"):
        tfzoo.export_bundle(gan(), tmp_path)
    assert os.listdir(tmp_path) == ["tfzoo.json"]


def test_a_folder_of_something_else_stays_as_it_is(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(ValueError, match="a new or empty folder, or a bundle; .* holds thesis.txt"):
        tfzoo.export_bundle(gan(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_export_that_fails_leaves_nothing(tmp_path, monkeypatch):
    model = gan()
    functions = model.serving_functions()

    def broken(latents):
        """Fails."""
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_sum(latents) > 0, ["no"])]):
            return {"samples": tf.identity(latents)}

    functions["generate_from_latent"] = broken, functions["generate_from_latent"][1]
    monkeypatch.setattr(model, "serving_functions", lambda: functions)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no"):
        tfzoo.export_bundle(model, tmp_path / "bundle")
    assert os.listdir(tmp_path / "bundle") == []


def test_defaults_are_said_and_stand_where_tensorflow_serving_looks(tmp_path):
    version = tfzoo.export_bundle(gan(packing=2), tmp_path)
    said = json.loads((tmp_path / "tfzoo.json").read_text())["signatures"]["generate"]["inputs"]
    assert said["n"] == {
        "dtype": "int32",
        "shape": [],
        "default": 1,
        "description": "How many samples.",
    }
    model = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    signatures = model.meta_graphs[0].signature_def
    for name in ("generate", "serving_default"):
        defaults = {key: tf.make_ndarray(value) for key, value in signatures[name].defaults.items()}
        assert defaults == {"n": 1, "seed": 0}
        assert all(value.dtype == "int32" for value in defaults.values())
    assert not signatures["discriminate"].defaults


def test_what_a_bundle_says_of_a_classifier(tmp_path):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
    model = tfzoo.models.BertTextClassifier(
        tfzoo.models.BertBackbone(len(pieces), 1, 1, 6, max_sequence_length=23),
        tfzoo.preprocessing.TextClassifierPreprocessor(
            tfzoo.preprocessing.WordPieceTokenizer(pieces), 11
        ),
        class_names=["go", "halt"],
    )
    tfzoo.export_bundle(model, tmp_path)
    said = json.loads((tmp_path / "tfzoo.json").read_text())
    assert (said["format"], said["model"], said["task"]) == (
        1,
        "BertTextClassifier",
        "classification",
    )
    assert said["class_names"] == ["go", "halt"]
    assert said["limits"] == {"max_sequence_length": 23}
    assert said["versions"]["tensorflow"] == tf.__version__


def test_a_long_request_is_what_tensorflow_serving_reads():
    numbers = np.arange(5003, dtype="float32").reshape(-1, 1)
    inputs = {"numbers": tf.constant(numbers), "text": tf.constant(["ä" * 70, ""])}
    log = prediction_log_pb2.PredictionLog.FromString(prediction_log("sum_up", inputs))
    request = log.predict_log.request
    assert request.model_spec.signature_name == "sum_up"
    np.testing.assert_array_equal(tf.make_ndarray(request.inputs["numbers"]), numbers)
    texts = tf.make_ndarray(request.inputs["text"]).tolist()
    assert texts == [("ä" * 70).encode(), b""]


@pytest.mark.parametrize("num_classes", [None, 3])
def test_a_gan_tells_how_many_classes_it_draws(tmp_path, num_classes):
    networks = (
        tfzoo.models.MLPGenerator((3,), (5,), num_classes=num_classes),
        tfzoo.models.MLPDiscriminator((5,), num_classes=num_classes),
    )
    model = tfzoo.models.GAN(*networks, latent_dim=2, num_classes=num_classes)
    tfzoo.export_bundle(model, tmp_path / "bundle")
    notes = json.loads((tmp_path / "bundle" / "tfzoo.json").read_text())
    assert notes["limits"] == ({"num_classes": 3} if num_classes else {})
