"""Keras's progress bar, kept on one line of the terminal."""

import shutil
import sys

import keras

# The line without metrics and numbers of steps: a bar of 20 with what parts it, and at most
# " 9:59:59 999ms/step".
BAR, TIMES = 22, 19
SHORTEST_NUMBER = 7  # "12.3456": a number that grows a little still fits


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
        columns = shutil.get_terminal_size().columns
        room = columns - 1 - BAR - TIMES - 2 * len(str(self.target or 10**6))
        shown = {}
        for name in sorted(logs, key=lambda name: "loss" not in name):  # losses first
            width = len(f" - {name}: ") + max(SHORTEST_NUMBER, len(_as_keras(logs[name])))
            if width <= room:
                shown[name] = logs[name]
                room -= width
        return shown


def _as_keras(value):
    """A number as Keras's bar has it."""
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def with_progress_bar(callbacks=None, verbose="auto", **_):
    """Returns the callbacks of `fit` or `evaluate`, with a `ProgressBar` where Keras would draw.

    Args:
        callbacks: those that were given: one, some in a list, a `CallbackList`, or None.
        verbose: as of `fit`; the bar is for "auto" and 1.
        **_: the other arguments of `fit` or `evaluate`.

    Returns:
        `callbacks` as they are where no terminal is drawn on or a bar is among them, else a list.
    """
    is_terminal = getattr(sys.stdout, "isatty", lambda: False)()
    is_whole = isinstance(callbacks, keras.callbacks.CallbackList)
    if verbose not in ("auto", 1) or not is_terminal or is_whole:
        return callbacks
    callbacks = keras.tree.flatten(callbacks or [])
    if any(isinstance(callback, keras.callbacks.ProgbarLogger) for callback in callbacks):
        return callbacks
    return [*callbacks, ProgressBar()]
