"""A folder that holds a run, and says by itself what it is."""

import datetime
import json
import math
import os
import platform
import shlex
import shutil
import sys
import uuid
from importlib import metadata
from pathlib import Path

import typer

from tfzoo.cli.model_card import model_card

RUN, CARD, CURVE, LOG = "run.json", "README.md", "loss.png", "metrics.jsonl"
CHECKPOINTS, TENSORBOARD = "checkpoints", "tensorboard"
STEPS_BETWEEN_POINTS = 10  # of TensorBoard's curves
PARTS_OF_A_RUN = 10  # a run that is so many steps long is evaluated so often
# What may be another when a run goes on: it changes nothing of the model.
FREE_SETTINGS = {"checkpoint_steps", "data_dir", "licence", "profile", "run"}
PACKAGES = ("tfzoo", "tensorflow", "keras", "tensorflow-text", "numpy")


class RunFolder:
    """Where `tfzoo train` writes: the model as a preset, and all that tells how it came to be.

    The folder appears when there is something to keep: a refused command leaves nothing behind.

    Args:
        folder: path; new, empty, or of a run of the same family, which is then continued.
        family: what is trained.
        settings: dict of the command's arguments.

    Raises:
        ValueError: if the folder holds something else, or a run with other settings.
    """

    def __init__(self, folder: Path, family: str, settings: dict):
        self.folder = folder
        self.facts = {
            "family": family,
            "command": shlex.join(["tfzoo", *sys.argv[1:]]),
            "settings": {name: _plain(value) for name, value in settings.items()},
            "versions": _versions(),
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        self._earlier = self._read_earlier()

    def end_if_finished(self) -> None:
        """Ends the command when the run has come to its end before."""
        if "scores" in self._earlier:
            print(f"The run in {self.folder} is finished; {self.folder / CARD} says what came of")
            print("it. For another one, name another folder.")
            raise typer.Exit

    def tokenizer(self, cls, texts, vocabulary_size):
        """The tokenizer that the run began with, or one that is trained now."""
        if self._earlier:
            return cls.load(self.folder)
        print("Learning a vocabulary ...", flush=True)
        tokenizer = cls.train(texts, vocabulary_size)
        self._begin()
        tokenizer.save(self.folder)
        return tokenizer

    def fit(self, model, train, *, epochs, steps, callbacks=(), profile=False, **arguments):
        """Trains, or goes on where a run was interrupted.

        Args:
            model: a compiled task.
            train: tuple, the raw data that `fit` takes.
            epochs: int, passes over the data.
            steps: int instead of them, or None; rounded to a multiple of ten.
            callbacks: others than those of every run.
            profile: bool, whether TensorFlow's profiler records some steps.
            **arguments: passed to `fit`.
        """
        if steps:
            epochs = min(PARTS_OF_A_RUN, steps)
            arguments["steps_per_epoch"] = steps // epochs
        self._begin()
        callbacks = [*self._callbacks(steps, profile), *callbacks]
        model.fit(*train, epochs=epochs, callbacks=callbacks, **arguments)

    def finish(self, model, data: dict, scores: dict) -> None:
        """Saves the model and what there is to say about it."""
        aside = self.folder / f".{uuid.uuid4().hex}"
        model.save_to_preset(aside)
        # The configuration last: without it there is no model yet.
        for path in sorted(aside.iterdir(), key=lambda path: path.name == "config.json"):
            os.replace(path, self.folder / path.name)
        shutil.rmtree(aside)
        lines = (self.folder / LOG).read_text().splitlines()
        self.facts |= {
            "model": type(model).__name__,
            "parameters": model.count_params(),
            "data": {name: _plain(value) for name, value in data.items()},
            "training": json.loads(lines[-1]),
            "scores": {name: float(value) for name, value in scores.items()},
        }
        self._write("command.txt", self.facts["command"] + "\n")
        self._write(CARD, model_card(self.facts))
        self._write(RUN, json.dumps(self.facts, indent=2) + "\n")  # says that all is there
        if scores:
            print("The part that was kept for the test:")
        for name, value in self.facts["scores"].items():
            print(f"  {name}: {value:.4f}")
        print(f"The run is in {self.folder}; {self.folder / CARD} says what came of it.")

    def _begin(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._earlier:
            self._write(RUN, json.dumps(self.facts, indent=2) + "\n")

    def _callbacks(self, steps, profile):
        from tfzoo import callbacks as tools

        # A short run has checkpoints too.
        part = max(1, steps // PARTS_OF_A_RUN) if steps else math.inf
        every = min(self.facts["settings"]["checkpoint_steps"], part)
        board = self.folder / TENSORBOARD
        return [
            tools.Resume(self.folder / CHECKPOINTS, every),
            tools.Throughput(every_n_steps=STEPS_BETWEEN_POINTS),
            tools.LossCurve(self.folder / CURVE),
            tools.MetricsLog(self.folder / LOG),
            tools.TensorBoardLog(board, STEPS_BETWEEN_POINTS),
            tools.StopOnNaN(),
            *([tools.Profile(board)] if profile else []),
        ]

    def _read_earlier(self):
        from tfzoo.checkpoints.json_file import read_json_object

        path = self.folder / RUN
        earlier = read_json_object(path) if path.exists() else {}
        if "family" in earlier:
            self._require_family(earlier)
            if "scores" in earlier or any((self.folder / CHECKPOINTS).glob("*")):
                self._require_settings(earlier)
                return earlier
            # It came to nothing: there is nothing to go on with, and nothing to lose.
        elif self.folder.exists() and (self.folder.is_file() or any(self.folder.iterdir())):
            raise ValueError(
                f"`run` must be a new folder, or that of an earlier run; received {self.folder}, "
                "which holds something else. Choose another name."
            )
        return {}

    def _require_family(self, earlier):
        if earlier["family"] != self.facts["family"]:
            raise ValueError(
                f"`run` must be a new folder, or one of `tfzoo train {self.facts['family']}`; "
                f"received {self.folder}, which is a run of `tfzoo train {earlier['family']}`."
            )

    def _require_settings(self, earlier):
        for name, value in self.facts["settings"].items():
            before = earlier.get("settings", {}).get(name, value)
            if value != before and name not in FREE_SETTINGS:
                raise ValueError(
                    f"`{name}` must be {before!r}, as in the run that {self.folder} holds; "
                    f"received {value!r}. Give the same command to go on with it, or name another "
                    "folder."
                )

    def _write(self, name, text):
        aside = self.folder / f".{uuid.uuid4().hex}"
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, self.folder / name)


def _versions():
    found = {name: metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **found}


def _plain(value):
    return value if isinstance(value, (bool, int, float, str, list, type(None))) else str(value)
