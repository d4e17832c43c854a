"""Four steps are two steps, a save, a new process, and two more: to the last bit."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf

from tests.laws.zoo import ZOO
from tfzoo.data import shuffled_batches
from tfzoo.optimizers import AdamW, WarmupCosine


def dataset(entry):
    return shuffled_batches(entry.batch(np.random.default_rng(3), rows=13), 6, seed=1)


def train(model, entry, first, last):
    steps = last - first
    return model.fit(dataset(entry).skip(first), steps_per_epoch=steps, verbose=0).history


def state_of(model):
    slots = [variable for optimizer in model.optimizers for variable in optimizer.variables]
    return [variable.numpy() for variable in [*model.variables, *slots]]


def continue_training(name, saved, result):
    """What the second process does."""
    entry = next(entry for entry in ZOO if entry.name == name)
    model = keras.models.load_model(saved)
    logs = train(model, entry, 2, 4)
    np.savez(result, *state_of(model), logs=json.dumps(logs))


def test_a_resumed_run_equals_an_uninterrupted_one(entry, tmp_path):
    def fresh():
        keras.utils.set_random_seed(4)
        model = entry.build(dropout=0.2)
        entry.compile(model, lambda: AdamW(WarmupCosine(1e-2, total_steps=4)))
        return model

    whole = fresh()
    train(whole, entry, 0, 2)
    logs = train(whole, entry, 2, 4)

    half = fresh()
    train(half, entry, 0, 2)
    half.save(tmp_path / "half.keras")
    code = "import sys, tests.laws.test_save_and_resume as t; t.continue_training(*sys.argv[1:])"
    arguments = [entry.name, str(tmp_path / "half.keras"), str(tmp_path / "result.npz")]
    # Sums over another number of threads are rounded in another order.
    threads = {
        "TF_NUM_INTRAOP_THREADS": str(tf.config.threading.get_intra_op_parallelism_threads())
    }
    environment = {**os.environ, **threads}
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=environment)

    result = np.load(tmp_path / "result.npz")
    assert json.loads(str(result["logs"])) == logs
    for number, expected in enumerate(state_of(whole)):
        np.testing.assert_array_equal(result[f"arr_{number}"], expected)


def served(entry, model):
    """All that the model answers, in a form that `==` compares."""
    return {
        name: {k: np.asarray(v).tolist() for k, v in outputs.items()}
        for name, (_, outputs) in entry.serve(model).items()
    }


def test_a_config_makes_an_equal_model(entry, rng):
    model = entry.build(dropout=0.2)
    config = json.loads(json.dumps(model.get_config()))
    twin = type(model).from_config(config)
    twin.set_weights(model.get_weights())
    x = entry.call_inputs(rng, rows=3)
    np.testing.assert_array_equal(twin(x), model(x))


def test_a_preset_makes_an_equal_model(entry, rng, tmp_path):
    model = entry.build()
    model.save_to_preset(tmp_path / "preset")
    twin = type(model).from_preset(tmp_path / "preset")
    x = entry.call_inputs(rng, rows=3)
    np.testing.assert_array_equal(twin(x), model(x))
    assert served(entry, twin) == served(entry, model)


def test_dropout_is_silent_outside_training_and_seeded_inside(entry, rng):
    x = entry.call_inputs(rng, rows=3)
    keras.utils.set_random_seed(8)
    model = entry.build(dropout=0.5)
    np.testing.assert_array_equal(model(x), model(x))
    first, second = model(x, training=True), model(x, training=True)
    assert np.abs(first - second).max() > 1e-3
    keras.utils.set_random_seed(8)
    np.testing.assert_array_equal(entry.build(dropout=0.5)(x, training=True), first)


test_dropout_is_silent_outside_training_and_seeded_inside.wanted = dict(drops=True)
