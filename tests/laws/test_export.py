"""A served model equals the live one, in a process that has neither tfzoo nor Keras."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

import tfzoo

# Setting a module to None makes every import of it fail. TensorFlow Text's Python package imports
# Keras; its operations, which TensorFlow Serving links, do not.
SERVE = """
import glob, importlib.util, json, os, sys
sys.modules["keras"] = sys.modules["tfzoo"] = None
import tensorflow as tf
package = importlib.util.find_spec("tensorflow_text").submodule_search_locations[0]
for library in glob.glob(os.path.join(package, "python", "ops", "*.so")):
    tf.load_op_library(library)
signatures = tf.saved_model.load(sys.argv[1]).signatures

def answer(case, size):
    name, inputs = case
    specs = signatures[name].structured_input_signature[1]
    tensors = {key: tf.constant(value, specs[key].dtype) for key, value in inputs.items()}
    outputs = signatures[name](**{k: t[:size] if t.shape.rank else t for k, t in tensors.items()})
    return {
        key: [x.decode() for x in value.numpy().ravel()]
        if value.dtype == tf.string
        else value.numpy().tolist()
        for key, value in outputs.items()
    }

cases = json.loads(sys.argv[2])
print(json.dumps([[answer(case, size) for case in cases] for size in (3, 1)]))
"""


def test_a_bundle_is_the_live_model_and_says_what_it_is(entry, tmp_path):
    model = entry.build()
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.3, variable.shape))
    version = tfzoo.export_bundle(model, tmp_path / "bundle")
    assert_equal_answers(version, entry.serve(model))
    assert_exact_signatures(version, entry)


def assert_equal_answers(version, live):
    cases = [
        (name.split()[0], {key: np.asarray(value).tolist() for key, value in inputs.items()})
        for name, (inputs, _) in live.items()
    ]
    arguments = [sys.executable, "-c", SERVE, str(version), json.dumps(cases)]
    printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    three, one = json.loads(printed.splitlines()[-1])
    for (name, (_, outputs)), all_served, first_served in zip(
        live.items(), three, one, strict=True
    ):
        for key, value in outputs.items():
            assert_equal(all_served[key], value, f"{name}: {key}")
            if "drawn" not in name:
                assert_equal(first_served[key], value[:1], f"{name}: {key}, a batch of one")


def assert_equal(served, live, message):
    live = np.asarray(live)
    if live.dtype.kind in "US":
        assert served == live.ravel().tolist(), message
    else:
        np.testing.assert_allclose(served, live, rtol=1e-5, atol=1e-5, err_msg=message)


def assert_exact_signatures(version, entry):
    signatures = dict(tf.saved_model.load(str(version)).signatures)
    default = signatures.pop("serving_default")
    found = {name: described(signature) for name, signature in signatures.items()}
    assert found == entry.signatures
    assert described(default) == next(iter(entry.signatures.values()))
    check_description(json.loads((version.parent / "tfzoo.json").read_text()), entry)
    answer_warm_up(version, signatures)


def check_description(said, entry):
    found = {
        name: tuple(
            {key: (spec["dtype"], tuple(spec["shape"])) for key, spec in one[side].items()}
            for side in ("inputs", "outputs")
        )
        for name, one in said["signatures"].items()
    }
    assert found == entry.signatures
    assert said["default_signature"] == next(iter(entry.signatures))
    for one in said["signatures"].values():
        assert one["description"].endswith(".")
        # The state that a client carries from call to call is nothing for people.
        inputs = [] if "pending" in one["inputs"] else one["inputs"].values()
        assert all(spec["description"].endswith(".") for spec in inputs)


def answer_warm_up(version, signatures):
    """Sends the requests as TensorFlow Serving does, read by its own definition of them."""
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(path))
    ]
    requests = [log.predict_log.request for log in logs]
    assert [r.model_spec.signature_name for r in requests] == [
        name for name in json.loads((version.parent / "tfzoo.json").read_text())["signatures"]
    ]
    for request in requests:
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        specs = signatures[request.model_spec.signature_name].structured_input_signature[1]
        assert {name: value.dtype for name, value in inputs.items() if value.dtype != object} == {
            name: spec.dtype for name, spec in specs.items() if spec.dtype != tf.string
        }
        assert inputs.keys() == specs.keys()
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        signatures[request.model_spec.signature_name](**tensors)


def described(signature):
    sides = signature.structured_input_signature[1], signature.structured_outputs
    return tuple(
        {name: (spec.dtype.name, tuple(spec.shape)) for name, spec in side.items()}
        for side in sides
    )


def test_an_existing_folder_is_left_alone(entry, tmp_path):
    (tmp_path / "served").mkdir()
    with pytest.raises(FileExistsError, match="must not exist yet"):
        tfzoo.export(entry.build(), tmp_path / "served")
    assert list((tmp_path / "served").iterdir()) == []
