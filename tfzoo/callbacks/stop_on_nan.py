"""A run that has lost itself is stopped, and what was good before is kept."""

import os
import warnings
from pathlib import Path

import keras
import numpy as np

from tfzoo.callbacks.place import require_place, written_aside


class StopOnNaN(keras.callbacks.Callback):
    """Saves the model while all is well, and stops the run at the first loss that is no number.

    A save is made after an epoch, or every so many steps, if all weights are finite; it takes the
    place of the one before. When a logged value is NaN or infinite, training stops, a warning names
    value, epoch and step, and the last good save stays where it is: load it with
    `keras.saving.load_model`, lower the learning rate, and go on.

    Args:
        path: file of the save, a name that ends in .keras. None only stops.
        save_every: int >= 1, steps between two saves; None for one after each epoch.

    Raises:
        ValueError: if `path` has another ending, or `save_every` is below 1.

    Example:
        ```python
        import keras
        import numpy as np
        from tfzoo.callbacks import StopOnNaN

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x, y = np.ones((20, 3)), np.ones((20, 1))
        model.fit(x, y, verbose=0, callbacks=[StopOnNaN("runs/last_good.keras")])
        model = keras.saving.load_model("runs/last_good.keras")
        ```
    """

    def __init__(self, path: str | os.PathLike | None = None, save_every: int | None = None):
        super().__init__()
        if path is not None and Path(path).suffix != ".keras":
            raise ValueError(f"`path` must end in .keras; received {os.fspath(path)!r}.")
        if save_every is not None and save_every < 1:
            raise ValueError(f"`save_every` must be 1 or more, or None; received {save_every}.")
        self.path, self.save_every = path and Path(path), save_every
        self._steps_before = self._steps = self._saved_at = 0
        self._epoch = 0
        self._is_lost = False

    def on_train_begin(self, logs=None):
        """Forgets the run before, but not its save; looks whether there can be one."""
        require_place(self.path)
        self._steps_before = self._steps = self._saved_at = 0
        self._is_lost = False

    def on_epoch_begin(self, epoch, logs=None):
        """Notes where the epoch begins."""
        self._epoch, self._steps_before = epoch, self._steps

    def on_train_batch_end(self, batch, logs=None):
        """Looks at the losses; saves if it is time to."""
        self._steps = self._steps_before + batch + 1
        self._look_at(logs)
        due = self.save_every and self._steps - self._saved_at >= self.save_every
        if due and not self._is_lost:
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        """Looks at everything that is logged, and saves."""
        self._look_at(logs)
        if self.save_every is None and not self._is_lost:
            self._save()

    def _look_at(self, logs):
        lost = [name for name, value in (logs or {}).items() if not np.isfinite(value).all()]
        if lost:
            self._stop(f"`{lost[0]}` is {float(logs[lost[0]])}")

    def _save(self):
        if self.path is None:
            return
        broken = [v.path for v in self.model.variables if not np.isfinite(_as_floats(v)).all()]
        if broken:
            self._stop(f"the weight {broken[0]!r} is not finite")
            return
        with written_aside(self.path) as aside:
            self.model.save(aside)
        self._saved_at = self._steps

    def _stop(self, what):
        if self._is_lost:
            return
        self._is_lost = self.model.stop_training = True
        kept, advice = "no earlier model was saved", "Begin again"
        if self._saved_at:
            kept = f"the model as it was after step {self._saved_at} is in {self.path}"
            advice = "Go on from there"
        warnings.warn(
            f"Training stopped: {what} at step {self._steps} (epoch {self._epoch + 1}); {kept}. "
            f"{advice} with a lower learning rate or a stronger regularizer.",
            stacklevel=2,
        )


def _as_floats(variable):
    values = np.asarray(keras.ops.convert_to_numpy(variable.value))
    return values.astype("float32") if values.dtype.kind not in "iub" else np.zeros(1)
