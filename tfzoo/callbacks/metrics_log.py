"""The numbers of a run, one line of JSON for each epoch."""

import json
import os
from pathlib import Path

import keras

from tfzoo.callbacks.place import require_place, written_aside


class MetricsLog(keras.callbacks.Callback):
    """Writes what `fit` reports into a file of JSON lines, anew after every epoch.

    With `Resume` the lines before an interruption are those that were there: they are written out
    of the history, which goes on.

    Args:
        path: of the file; missing folders are made, an older file is replaced.

    Example:
        ```python
        import keras
        import numpy as np
        from tfzoo.callbacks import MetricsLog

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        log = MetricsLog("runs/metrics.jsonl")
        model.fit(np.ones((20, 3)), np.ones((20, 1)), epochs=2, verbose=0, callbacks=[log])
        ```
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self.path = Path(path)

    def on_train_begin(self, logs=None):
        """Looks at once whether the file can be written."""
        require_place(self.path)

    def on_epoch_end(self, epoch, logs=None):
        """Writes all epochs so far."""
        past = self.model.history
        columns = {name: values[: len(past.epoch)] for name, values in past.history.items()}
        rows = [
            {"epoch": number + 1} | {name: float(values[place]) for name, values in columns.items()}
            for place, number in enumerate(past.epoch)
            if number < epoch
        ]
        rows.append({"epoch": epoch + 1} | {name: float(x) for name, x in (logs or {}).items()})
        with written_aside(self.path) as aside:
            aside.write_text("".join(json.dumps(row) + "\n" for row in rows))
