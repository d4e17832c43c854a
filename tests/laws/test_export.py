"""A served model equals the live one, in a process that has neither tfzoo nor Keras."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfzoo

TEXTS = ["ab", "", "face a dead"]
# Setting a module to None makes every import of it fail.
SERVE = """
import json, sys
sys.modules["keras"] = sys.modules["tfzoo"] = None
import tensorflow as tf
signatures = tf.saved_model.load(sys.argv[1]).signatures

def generate(texts, number, temperature, top_k, top_p, seed):
    return signatures["generate"](
        text=tf.constant(texts),
        max_new_tokens=tf.constant(number),
        temperature=tf.constant(temperature),
        top_k=tf.constant(top_k),
        top_p=tf.constant(top_p),
        seed=tf.constant(seed),
    )["text"].numpy()

texts = json.loads(sys.argv[2])
print(json.dumps({
    "greedy": [x.decode() for x in generate(texts, 9, 0.0, 0, 1.0, 0)],
    "one": [x.decode() for x in generate(texts[:1], 9, 0.0, 0, 1.0, 0)],
    "sampled": [x.decode() for x in generate(texts, 9, 0.8, 5, 0.9, 3)],
    "scores": signatures["score"](text=tf.constant(texts))["log_likelihood"].numpy().tolist(),
}))
"""


def test_the_exported_model_equals_the_live_one(entry, tmp_path):
    model = entry.build()
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.3, variable.shape))
    tfzoo.export(model, tmp_path / "served")
    arguments = [sys.executable, "-c", SERVE, str(tmp_path / "served"), json.dumps(TEXTS)]
    printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    served = json.loads(printed.splitlines()[-1])
    assert served["greedy"] == model.generate(TEXTS, 9)
    assert served["one"] == [model.generate(TEXTS[0], 9)]
    assert served["sampled"] == model.generate(
        TEXTS, 9, temperature=0.8, top_k=5, top_p=0.9, seed=3
    )
    live = [score.log_likelihoods.sum() for score in model.score(TEXTS)]
    np.testing.assert_allclose(served["scores"], live, rtol=1e-5, atol=1e-5)

    signatures = tf.saved_model.load(str(tmp_path / "served")).signatures
    inputs = signatures["generate"].structured_input_signature[1]
    assert {name: (spec.dtype.name, tuple(spec.shape)) for name, spec in inputs.items()} == {
        "text": ("string", (None,)),
        "max_new_tokens": ("int32", ()),
        "temperature": ("float32", ()),
        "top_k": ("int32", ()),
        "top_p": ("float32", ()),
        "seed": ("int32", ()),
    }
    outputs = signatures["score"].structured_outputs
    assert {name: (spec.dtype.name, tuple(spec.shape)) for name, spec in outputs.items()} == {
        "log_likelihood": ("float32", (None,)),
        "num_tokens": ("int32", (None,)),
        "token_ids": ("int32", (None, None)),
        "token_log_likelihoods": ("float32", (None, None)),
    }


def test_an_existing_folder_is_left_alone(entry, tmp_path):
    (tmp_path / "served").mkdir()
    with pytest.raises(FileExistsError, match="must not exist yet"):
        tfzoo.export(entry.build(), tmp_path / "served")
    assert list((tmp_path / "served").iterdir()) == []
