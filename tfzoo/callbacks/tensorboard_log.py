"""The numbers of a run, where TensorBoard finds them."""

import os
from pathlib import Path

import keras
import tensorflow as tf


class TensorBoardLog(keras.callbacks.Callback):
    """Writes what `fit` reports into a folder: `tensorboard --logdir` draws it.

    As in `keras.callbacks.TensorBoard`, the subfolders are `train` and `validation`, and the names
    begin with `epoch_`, over the epochs from 0, or `batch_`, over the steps of the optimizer. That
    one does not run where TensorBoard itself is not installed, and newer TensorFlow does not
    install it; this one needs it for looking only.

    Args:
        log_dir: path of the folder; it is made if needed.
        every_n_steps: optional int >= 1, steps between two points inside of an epoch.

    Raises:
        ValueError: if `every_n_steps` is below 1.

    Example:
        ```python
        import keras
        import numpy as np
        from tfzoo.callbacks import TensorBoardLog

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        log = TensorBoardLog("runs/tensorboard")
        model.fit(np.ones((20, 3)), np.ones((20, 1)), epochs=2, verbose=0, callbacks=[log])
        ```
    """

    def __init__(self, log_dir: str | os.PathLike, every_n_steps: int | None = None):
        super().__init__()
        if every_n_steps is not None and every_n_steps < 1:
            raise ValueError(
                f"`every_n_steps` must be 1 or more, or None; received {every_n_steps}."
            )
        self.log_dir, self.every_n_steps = Path(log_dir), every_n_steps
        self._writers, self._num_steps = {}, 0

    def on_train_begin(self, logs=None):
        """Begins new files, beside those of a run before."""
        self._writers, self._num_steps = {}, 0

    def on_train_batch_begin(self, batch, logs=None):
        """Notes which step comes."""
        self._first_step = batch

    def on_train_batch_end(self, batch, logs=None):
        """Writes the numbers of the step if it is time to."""
        before = self._num_steps
        self._num_steps += batch + 1 - self._first_step
        n = self.every_n_steps
        if n and before // n < self._num_steps // n:
            self._write("train", "batch_", logs, self._steps_of_optimizer())

    def on_epoch_end(self, epoch, logs=None):
        """Writes the numbers of the epoch."""
        ours = {name: value for name, value in logs.items() if not name.startswith("val_")}
        theirs = {name[4:]: value for name, value in logs.items() if name.startswith("val_")}
        self._write("train", "epoch_", ours, epoch)
        self._write("validation", "epoch_", theirs, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs=None):
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()

    def _steps_of_optimizer(self):
        # A run that goes on goes on here too.
        optimizers = getattr(self.model, "optimizers", None) or [self.model.optimizer]
        return int(optimizers[0].iterations.numpy())

    def _write(self, folder, prefix, numbers, step):
        if not numbers:
            return  # an empty log confuses TensorBoard
        if folder not in self._writers:
            self._writers[folder] = tf.summary.create_file_writer(str(self.log_dir / folder))
        # The message itself: tf.summary.scalar needs TensorBoard to be installed.
        values = [
            tf.compat.v1.Summary.Value(tag=prefix + name, simple_value=float(value))
            for name, value in numbers.items()
        ]
        message = tf.compat.v1.Summary(value=values).SerializeToString()
        with self._writers[folder].as_default():
            tf.summary.experimental.write_raw_pb(message, step=step)
