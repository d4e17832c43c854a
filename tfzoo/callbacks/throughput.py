"""How fast a run is, and how much of the machine it uses."""

import time

import keras
import numpy as np
import tensorflow as tf

from tfzoo.callbacks.counted_batches import CountedBatches
from tfzoo.callbacks.peak import measure_peak

clock = time.perf_counter


class Throughput(keras.callbacks.Callback):
    """Adds speed and learning rate to the logs, for all callbacks after it and for the history.

    - `tokens_per_second`: real tokens, no padding, that were trained on; of a GAN
      `images_per_second`, or `samples_per_second` where they are no images;
    - `model_flops_utilization`: in [0, 1], the operations that the model asks for, per second, as a
      share of `peak`. Texts: `6 N + 12 L D T` for each real token, N the weights of the matrices
      that it is multiplied by, L layers, D their width, T the length of the row; what `recompute`
      does again does not count. A GAN: products and convolutions of both updates, no penalties;
    - `learning_rate`, of the step to come; of a GAN `generator_learning_rate` and
      `discriminator_learning_rate`.

    The norm of the gradient is there already: every `train_step` of tfzoo logs it.

    The time is that from the beginning of an epoch to the end of its last step, without the
    validation, and without the first step of the run, which compiles; where an epoch has no other
    step, with it. With `Resume` an epoch goes on: the time in which nothing ran does not count.

    Steps are counted, and waited for, as they end: on a fast device let `steps_per_execution` be
    more than 1. The step itself stays the same.

    Args:
        peak: float > 0, operations per second that all devices together can do; "auto" measures
            matrix products in the model's precision when training begins, for about a second, on
            one device, and multiplies by the GPUs that train. Pass the data sheet's number for a
            TPU, or for several hosts without GPUs. None leaves the utilization out.
        every_n_steps: optional int >= 1; the logs of every so many steps then have the rates of the
            steps since the last time.

    Raises:
        ValueError: an argument is out of its range; or, in `fit`, the model is no task of tfzoo, or
            the data are arrays.

    Example:
        ```python
        import tfzoo

        preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(
            tfzoo.preprocessing.ByteTokenizer(), sequence_length=32
        )
        backbone = tfzoo.models.GPTBackbone(
            preprocessor.tokenizer.vocabulary_size, num_layers=1, num_heads=2, hidden_dim=16
        )
        model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
        model.compile()
        speed = tfzoo.callbacks.Throughput(peak=1e12)
        history = model.fit(["a short text", "and another one"], verbose=0, callbacks=[speed])
        assert history.history["tokens_per_second"][0] > 0
        ```

    Source: Chowdhery et al. 2022, "PaLM", appendix B.
    """

    def __init__(self, peak: float | str | None = "auto", every_n_steps: int | None = None):
        super().__init__()
        if peak not in ("auto", None) and not (not isinstance(peak, str) and peak > 0):
            raise ValueError(
                '`peak` must be operations per second, above 0, or "auto", or None; received '
                f"{peak!r}."
            )
        if every_n_steps is not None and every_n_steps < 1:
            raise ValueError(
                f"`every_n_steps` must be 1 or more, or None; received {every_n_steps}."
            )
        self.peak, self.every_n_steps = peak, every_n_steps
        self._attached = None

    def counted(self, model, dataset):
        """The batches of a `fit` that begins, which are counted: `fit` of tfzoo calls it."""
        if not isinstance(dataset, tf.data.Dataset):
            raise ValueError(
                "`Throughput` needs raw data, or a `tf.data.Dataset` such as "
                "`tfzoo.data.shuffled_batches(arrays, batch_size, seed=0)`; received a "
                f"{type(dataset).__name__}."
            )
        self._attached = CountedBatches(dataset, model.work_of)
        return self._attached.dataset

    def pass_over(self, num_batches):
        """Forgets batches that `Resume` draws and does not train on."""
        self._batches.take(num_batches)

    @property
    def measured(self):
        """What `Resume` keeps of an epoch: all its steps, and the first one of the run."""
        return [[*map(float, step)] for step in (self._of_epoch, self._of_first)]

    @measured.setter
    def measured(self, steps):
        self._of_epoch, self._of_first = np.array(steps)

    def on_train_begin(self, logs=None):
        """Measures the peak; refuses a `fit` that does not count."""
        if self._attached is None:
            raise ValueError(
                "`Throughput` must be in the list of `callbacks` of a `fit` of tfzoo: that of "
                f"Keras counts nothing. Received a {type(self.model).__name__}."
            )
        self._batches, self._attached = self._attached, None
        self._peak = self.peak
        if self.peak == "auto":
            self._peak = num_devices(self.model) * measure_peak(self.model.compute_dtype)
        self._is_first, self._num_steps = True, 0

    def on_epoch_begin(self, epoch, logs=None):
        """Begins to measure."""
        # Seconds; tokens or images; operations, those of the model, and those that were possible.
        # What the first step of a run was is kept apart.
        self._of_epoch, self._of_late, self._of_first = np.zeros((3, 4))
        self._begin = clock()

    def on_train_batch_begin(self, batch, logs=None):
        """Notes which step comes."""
        self._first_step = batch

    def on_train_batch_end(self, batch, logs=None):
        """Counts what was trained on, and reports if it is time to."""
        begin, self._begin = self._begin, clock()
        num_steps = batch + 1 - self._first_step
        work = self._batches.take(num_steps) + np.zeros(2)
        seconds = self._begin - begin
        step = np.array([seconds, *work, seconds * (self._peak or 0)])
        if self._is_first:
            self._is_first, self._of_first = False, step
        else:
            self._of_epoch, self._of_late = self._of_epoch + step, self._of_late + step
        before, self._num_steps = self._num_steps, self._num_steps + num_steps
        n = self.every_n_steps
        if n and before // n < self._num_steps // n:
            logs.update(self._report(self._of_late))
            self._of_late = np.zeros(4)

    def on_epoch_end(self, epoch, logs=None):
        """Reports on the epoch."""
        logs.update(self._report(self._of_epoch))

    def _report(self, measured):
        seconds, units, operations, possible = measured if measured.any() else self._of_first
        rates = {f"{self.model.work_unit}_per_second": units / seconds if seconds else 0.0}
        if self._peak:
            rates["model_flops_utilization"] = operations / possible if possible else 0.0
        return rates | self.model.learning_rates


def num_devices(model):
    """GPUs that train a model; one machine without any is one device, whatever it is cut into."""
    strategy = model.distribute_strategy
    if not tf.config.list_logical_devices("GPU"):
        return 1
    mesh = getattr(strategy, "mesh", None)
    return strategy.num_replicas_in_sync if mesh is None else mesh.size


def counted(model, x, callbacks):
    """What `fit` does for each `Throughput` among its callbacks; without one, nothing.

    Args:
        model: a task.
        x: what `keras.Model.fit` will get.
        callbacks: of `keras.Model.fit`, or None.

    Returns:
        `x`, the batches of which are counted.
    """
    for callback in keras.tree.flatten(callbacks or []):
        if isinstance(callback, Throughput):
            x = callback.counted(model, x)
    return x
