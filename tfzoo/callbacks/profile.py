"""What the machine does in some steps of a run."""

import os
import warnings

import keras
import tensorflow as tf


class Profile(keras.callbacks.Callback):
    """Records some steps with TensorFlow's profiler: each operation, its time and its device.

    To look at it: `pip install xprof`, and `xprof --logdir` or `tensorboard --logdir` with the
    folder. Recording makes these steps slower, and no others.

    `keras.callbacks.TensorBoard(profile_batch=...)` does the same where TensorBoard is installed.

    Args:
        log_dir: path of the folder; the record goes to `plugins/profile` in it.
        first_step: int >= 1, of this `fit`; those before compile and warm up.
        num_steps: int >= 1, steps to record.

    Raises:
        ValueError: if an argument is below 1.

    Example:
        ```python
        import keras
        import numpy as np
        from tfzoo.callbacks import Profile

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x, y = np.ones((20, 3)), np.ones((20, 1))
        profile = Profile("runs/tensorboard", first_step=3, num_steps=2)
        model.fit(x, y, batch_size=2, verbose=0, callbacks=[profile])
        ```
    """

    def __init__(self, log_dir: str | os.PathLike, first_step: int = 11, num_steps: int = 10):
        super().__init__()
        for name, value in {"first_step": first_step, "num_steps": num_steps}.items():
            if value < 1:
                raise ValueError(f"`{name}` must be 1 or more; received {value}.")
        self.log_dir, self.first_step, self.num_steps = os.fspath(log_dir), first_step, num_steps
        self._steps = self._recorded = 0
        self._step_trace = None

    def on_train_begin(self, logs=None):
        """Begins to count."""
        self._steps = self._recorded = 0

    def on_train_batch_begin(self, batch, logs=None):
        """Begins to record if it is time to."""
        self._batch = batch
        if self._steps + 1 < self.first_step or self._recorded >= self.num_steps:
            return
        if not self._recorded:
            self._start()
        # By it the profiler's pages know where a step begins, and which it is.
        self._step_trace = tf.profiler.experimental.Trace("train", step_num=self._steps + 1, _r=1)
        self._step_trace.__enter__()

    def on_train_batch_end(self, batch, logs=None):
        """Writes the record when its last step has ended."""
        num_steps = batch + 1 - self._batch
        self._steps += num_steps
        if self._step_trace is None:
            return
        self._step_trace.__exit__(None, None, None)
        self._step_trace = None
        self._recorded += num_steps
        if self._recorded >= self.num_steps:
            tf.profiler.experimental.stop()

    def _start(self):
        try:
            tf.profiler.experimental.start(self.log_dir)
        except tf.errors.AlreadyExistsError:  # of a run that was interrupted while it was recorded
            tf.profiler.experimental.stop(save=False)
            tf.profiler.experimental.start(self.log_dir)

    def on_train_end(self, logs=None):
        """Writes what there is where the run was too short."""
        if self._recorded == 0:
            warnings.warn(
                f"Nothing was profiled: that begins at step {self.first_step}, and this run had "
                f"{self._steps} steps. Train for more.",
                stacklevel=2,
            )
        elif self._recorded < self.num_steps:
            tf.profiler.experimental.stop()
