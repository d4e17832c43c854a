"""What a served model writes piece by piece is what `generate` writes at once."""

import json
import subprocess
import sys

import numpy as np
import pytest

import tfzoo

WANTED = dict(writes=True)

# One stream starts, all are continued in turns: nothing is remembered between two calls.
CLIENT = """
import glob, importlib.util, json, os, sys
sys.modules["keras"] = sys.modules["tfzoo"] = None
import tensorflow as tf
package = importlib.util.find_spec("tensorflow_text").submodule_search_locations[0]
for library in glob.glob(os.path.join(package, "python", "ops", "*.so")):
    tf.load_op_library(library)
signatures = tf.saved_model.load(sys.argv[1]).signatures

def call(name, values):
    specs = signatures[name].structured_input_signature[1]
    return signatures[name](**{key: tf.constant(values[key], spec.dtype)
                               for key, spec in specs.items()})

requests = json.loads(sys.argv[2])
outputs = [call("generate_start", request) for request in requests]
pieces, counts = [[] for _ in requests], [0 for _ in requests]
while outputs:
    for number, output in enumerate(outputs):
        counts[number] += output["num_new_tokens"].numpy()
        pieces[number].append([piece.decode() for piece in output["new_text"].numpy()])
    if all(output["finished"].numpy().all() for output in outputs):
        break
    outputs = [call("generate_continue", output) for output in outputs]
prompts = [output["num_prompt_tokens"].numpy().tolist() for output in outputs]
print(json.dumps([pieces, prompts, [count.tolist() for count in counts]]))
"""


@pytest.fixture
def model(entry):
    """Large random weights, so that texts are not one letter again and again."""
    model = entry.build()
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.5, variable.shape))
    return model


def test_pieces_joined_are_what_generate_writes(model, tmp_path):
    tfzoo.export(model, tmp_path / "served")
    requests = [
        dict(text=["", "ab", "face a dead"], max_new_tokens=21, temperature=0, top_k=0, top_p=1),
        dict(text=["ab"], max_new_tokens=26, temperature=1.1, top_k=7, top_p=0.95),
        dict(text=["gab", "a bad cab", ""], max_new_tokens=10, temperature=1.3, top_k=0, top_p=1),
    ]
    requests = [{**request, "seed": 3 + seed} for seed, request in enumerate(requests)]
    arguments = [sys.executable, "-c", CLIENT, str(tmp_path / "served"), json.dumps(requests)]
    printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    answers = zip(requests, *json.loads(printed.splitlines()[-1]), strict=True)
    for request, pieces, num_prompt_tokens, num_new_tokens in answers:
        texts, log_probs = live(model, **request)
        assert ["".join(row) for row in zip(*pieces, strict=True)] == texts
        # A letter is a token; the model reads a start token before them.
        assert num_prompt_tokens == [1 + len(text) for text in request["text"]]
        # A stop token ends a text and is not counted; it may be the last that was asked for.
        for count, row in zip(num_new_tokens, log_probs, strict=True):
            is_full = len(row) == request["max_new_tokens"]
            assert count == len(row) - 1 or (is_full and count == len(row))
        # One token first, eight with each call after it.
        assert all(len(piece) <= 1 for piece in pieces[0])
        assert all(len(piece) <= 8 for row in pieces[1:] for piece in row)
        assert sum(any(row) for row in pieces) > 1


def live(model, text, max_new_tokens, seed, temperature, top_k, top_p):
    drawn = dict(temperature=temperature, top_k=top_k or 10, top_p=top_p) if temperature else {}
    return model.generate(
        text, max_new_tokens, seed=seed, strip_prompt=True, return_log_probs=True, **drawn
    )
