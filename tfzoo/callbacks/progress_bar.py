"""Keras's progress bar, kept on one line of the terminal."""

import shutil
import sys

import keras

# What stands before the metrics beside the numbers of steps: a bar of 20, and times such as
# " 1:32:47 444ms/step". A metric takes " - name: 12.3456".
BAR, TIMES, NUMBER = 23, 20, 12


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras's progress bar with as many metrics as fit on the line; at the end of an epoch all.

    A terminal does not draw over a line that has wrapped: a longer bar would scroll at every step.
    """

    # As Keras takes its own: it may be drawn while the next step runs.
    async_safe = True

    def on_train_batch_end(self, batch, logs=None):
        """Draws the bar."""
        super().on_train_batch_end(batch, self._fitting(logs or {}))

    def on_test_batch_end(self, batch, logs=None):
        """Draws the bar, where it is that of `evaluate`."""
        super().on_test_batch_end(batch, self._fitting(logs or {}))

    def _fitting(self, logs):
        room = shutil.get_terminal_size().columns - BAR - TIMES - 2 * len(str(self.target or 10**7))
        shown = {}
        for name in sorted(logs, key=lambda name: "loss" not in name):  # losses first
            room -= NUMBER + len(name)
            if room < 0:
                break
            shown[name] = logs[name]
        return shown


def with_progress_bar(callbacks, verbose):
    """Returns the callbacks of `fit` or `evaluate`, with a `ProgressBar` where Keras would draw."""
    if verbose not in ("auto", 1) or not sys.stdout.isatty():
        return callbacks
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    callbacks = keras.tree.flatten(callbacks or [])
    if any(isinstance(callback, keras.callbacks.ProgbarLogger) for callback in callbacks):
        return callbacks
    return [*callbacks, ProgressBar()]
