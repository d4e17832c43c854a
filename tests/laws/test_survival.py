"""A run that is killed, again and again, ends like one that was left alone: to the last bit."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.laws.test_save_and_resume import state_of
from tests.laws.zoo import TEXTS, ZOO
from tfzoo.callbacks import PREEMPTED_EXIT_CODE, Resume
from tfzoo.data import batches
from tfzoo.optimizers import AdamW, WarmupCosine

EVERY = 2  # steps between two checkpoints
STEPS, EPOCHS = 5, 2


@dataclasses.dataclass(frozen=True)
class Run:
    """What a model learns from: `fit`'s arguments, for the kinds of data that there are."""

    name: str
    data: Callable[..., dict]


def raw_texts(entry):
    return dict(x=TEXTS * 3, batch_size=3, steps_per_epoch=STEPS)


def reshuffled_dataset(entry):
    """Ends with every epoch, and has another order in the next one."""
    rows = entry.batch(np.random.default_rng(3), rows=19)
    return dict(x=tf.data.Dataset.from_tensor_slices(rows).shuffle(19, seed=7).batch(4))


def raw_images(entry):
    images, labels = entry.batch(np.random.default_rng(3), rows=31)
    return dict(x=images, y=labels, batch_size=6, seed=5)


RUNS = [
    Run("gpt", raw_texts),
    Run("bert_text_classifier", reshuffled_dataset),
    Run("conditional_gan", raw_images),
]
# One process after the other: the run that it goes on with, and the step at which it is killed: at
# once, in the middle of the next write, or with time to save.
KILLS = [
    ("gpt", 6, "write"),
    ("bert_text_classifier", 7, "preempted"),
    ("conditional_gan", 4, "write"),
    ("conditional_gan", 9, "step"),
]


class Journal(keras.callbacks.Callback):
    """Writes down the logs of every step, and kills its process at one."""

    def __init__(self, path, step, how):
        super().__init__()
        self.path, self.step, self.how, self.epoch = path, step, how, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        with open(self.path, "a") as file:
            file.write(json.dumps([self.epoch, batch, logs]) + "\n")
        if self.step != self.epoch * STEPS + batch + 1:
            return
        if self.how == "write":
            kill_in_the_middle_of_a_write()
        else:
            os.kill(os.getpid(), signal.SIGTERM if self.how == "preempted" else signal.SIGKILL)


def kill_in_the_middle_of_a_write():
    opened, members = zipfile.ZipFile.open, []

    def open_and_die(archive, name, mode="r", **options):
        if mode == "w":
            members.append(name)
        if len(members) == 9:
            archive.fp.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return opened(archive, name, mode, **options)

    zipfile.ZipFile.open = open_and_die


def train(run, journal, kill=(0, ""), resume=()):
    """Trains a model anew, and writes down all that is left in the end."""
    entry = next(entry for entry in ZOO if entry.name == run.name)
    keras.utils.set_random_seed(4)
    model = entry.build(dropout=0.2)
    entry.compile(model, lambda: AdamW(WarmupCosine(1e-2)))
    validation = batches(entry.batch(np.random.default_rng(5), rows=7), 7)
    history = model.fit(
        **run.data(entry),
        validation_data=validation,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[*resume, Journal(journal, *kill)],
    )
    state = [*state_of(model), *(variable.numpy() for variable in model.metrics_variables)]
    np.savez(journal.with_suffix(".npz"), *state, history=json.dumps(history.history))


def go_on(folder, first, name, step, how):
    """What one process does: it takes up one run after the other until it is killed."""
    for run in RUNS[int(first) :]:
        kill = (int(step), how) if run.name == name else (0, "")
        resume = Resume(f"{folder}/{run.name}", every_n_steps=EVERY, keep=2)
        train(run, Path(f"{folder}/{run.name}.jsonl"), kill, [resume])
    for run in RUNS:
        train(run, Path(f"{folder}/{run.name}-whole.jsonl"))


def start(folder, first, *kill):
    code = "import sys, tests.laws.test_survival as t; t.go_on(*sys.argv[1:])"
    arguments = [sys.executable, "-c", code, str(folder), str(first), *map(str, kill)]
    return subprocess.run(arguments).returncode


def test_runs_that_are_killed_end_like_those_that_are_not(tmp_path):
    names = [run.name for run in RUNS]
    first = 0
    for name, step, how in KILLS:
        code = PREEMPTED_EXIT_CODE if how == "preempted" else -signal.SIGKILL
        assert start(tmp_path, first, name, step, how) == code
        first = names.index(name)
        remains = [path.stat().st_size for path in (tmp_path / name).glob(".*.unfinished")]
        assert how != "write" or (remains and all(remains))
    assert start(tmp_path, first, "nobody", 0, "") == 0

    for name in names:
        resumed, whole = (np.load(tmp_path / f"{name}{kind}.npz") for kind in ("", "-whole"))
        assert resumed.files == whole.files
        for key in whole.files:
            np.testing.assert_array_equal(resumed[key], whole[key])
        # Each step that was taken, some of them twice, was that of the run without interruption.
        taken, expected = (
            (tmp_path / f"{name}{kind}.jsonl").read_text().splitlines() for kind in ("", "-whole")
        )
        assert len(expected) == STEPS * EPOCHS
        assert {*taken} == {*expected}
        kept = sorted(path.name for path in (tmp_path / name).iterdir())
        assert kept == ["step-000000008.npz", "step-000000010.npz"]
