"""A served model equals the live one, in a process that has neither tfzoo nor Keras."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

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


def test_the_exported_model_equals_the_live_one(entry, tmp_path):
    model = entry.build()
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.3, variable.shape))
    tfzoo.export(model, tmp_path / "served")
    live = entry.serve(model)
    cases = [
        (name.split()[0], {key: np.asarray(value).tolist() for key, value in inputs.items()})
        for name, (inputs, _) in live.items()
    ]
    arguments = [sys.executable, "-c", SERVE, str(tmp_path / "served"), json.dumps(cases)]
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


def test_signatures_have_exact_names_dtypes_and_shapes(entry, tmp_path):
    tfzoo.export(entry.build(), tmp_path / "served")
    signatures = dict(tf.saved_model.load(str(tmp_path / "served")).signatures)
    default = signatures.pop("serving_default")
    found = {name: described(signature) for name, signature in signatures.items()}
    assert found == entry.signatures
    assert described(default) == next(iter(entry.signatures.values()))


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
