"""A folder of checkpoints: each is one file that is whole or not there, and the last few stay."""

import json
import os
import re
import uuid
import warnings
from pathlib import Path

import numpy as np


class CheckpointFolder:
    """Arrays and facts by step, in files that a kill, a full disk or a bad sector cannot spoil.

    A file is written aside, forced to the disk and renamed. It is a NumPy archive, a zip file whose
    members have checksums: what was cut off or damaged is noticed when it is read.

    Args:
        folder: path; `prepare` makes it.
        keep: int >= 1, how many of the last checkpoints stay.
    """

    def __init__(self, folder: str | os.PathLike, keep: int):
        self.folder, self.keep = Path(folder), keep

    def of_host(self, index: int) -> "CheckpointFolder":
        """The folder within this one of a host among several."""
        return CheckpointFolder(self.folder / f"host-{index}", self.keep)

    def path(self, step: int) -> Path:
        """The file of one step."""
        return self.folder / f"step-{step:09}.npz"

    def steps(self) -> list[int]:
        """The steps that have a file, in order."""
        names = [path.name for path in self.folder.glob("step-*.npz")]
        found = [re.fullmatch(r"step-(\d+)\.npz", name) for name in names]
        return sorted(int(match[1]) for match in found if match)

    def write(self, step: int, arrays: list[np.ndarray], facts: dict) -> None:
        """Writes a checkpoint, then removes those that are too old.

        Args:
            step: int >= 0, what it is called.
            arrays: of any shapes and dtypes that NumPy or TensorFlow know.
            facts: whatever JSON can hold.

        Raises:
            OSError: if it cannot be written; the checkpoints before stay as they are.
        """
        aside = self.folder / f".{uuid.uuid4().hex}.unfinished"
        try:
            _write_file(aside, arrays, facts)
            os.replace(aside, self.path(step))
        except OSError as error:
            raise OSError(error.errno, self._sentence(step, error)) from error
        finally:
            aside.unlink(missing_ok=True)
        # Later ones could not be read: else the run would have gone on from there.
        older = [other for other in self.steps() if other <= step]
        for other in {*self.steps()} - {*older[-self.keep :]}:
            self.path(other).unlink(missing_ok=True)

    def newest(self, common=set) -> tuple[list[np.ndarray], dict] | None:
        """Returns arrays and facts of the newest checkpoint that can be read, or None.

        A damaged one gets a warning, and the one before it is tried.

        Args:
            common: callable, from a set of steps to those of them that all hosts have.
        """
        steps = common(self.steps())
        while steps:
            step = max(steps)
            content = self._read(step)
            if common({step} if content else ()):
                return content
            steps.remove(step)
        return None

    def _read(self, step):
        try:
            return _read_file(self.path(step))
        except Exception as error:  # a damaged zip file can make its reader raise anything
            warnings.warn(
                f"The checkpoint {self.path(step)} cannot be read ({error}) and is skipped: "
                "training goes on from the one before it, or else from the beginning.",
                stacklevel=3,
            )

    def prepare(self) -> None:
        """Makes the folder, and removes what writers that were killed left aside.

        Raises:
            ValueError: if there can be no such folder.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                "`folder` must be a folder to write into, or the path of a new one; received "
                f"{self.folder} ({error.strerror})."
            ) from error
        for path in self.folder.glob(".*.unfinished"):
            path.unlink(missing_ok=True)

    def _sentence(self, step, error):
        steps = self.steps()
        last = f"that of step {steps[-1]} is whole" if steps else "there is no earlier one"
        return (
            f"The checkpoint of step {step} could not be written into {self.folder} "
            f"({error.strerror or error}), so training stopped; {last}: make room and run the same "
            "command again."
        )


def _write_file(path, arrays, facts):
    text = json.dumps({"num_arrays": len(arrays), "facts": facts})
    with open(path, "wb") as file:
        np.savez(file, *arrays, text=np.frombuffer(text.encode(), np.uint8))
        file.flush()
        os.fsync(file.fileno())  # else a power cut could leave a name without content


def _read_file(path):
    with np.load(path, allow_pickle=False) as archive:
        text = json.loads(archive["text"].tobytes())
        # A damaged table of contents may leave out members.
        return [archive[f"arr_{number}"] for number in range(text["num_arrays"])], text["facts"]
