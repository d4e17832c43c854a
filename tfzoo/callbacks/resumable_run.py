"""Keras's training loop, in which the steps before an interruption are passed over."""

import functools
import sys

import keras
import numpy as np

from tfzoo.callbacks.all_hosts import common, is_run_by_several
from tfzoo.callbacks.beside import Beside
from tfzoo.callbacks.resume import PREEMPTED_EXIT_CODE
from tfzoo.callbacks.run_identity import identity, require_same, require_same_batch
from tfzoo.callbacks.run_state import assign, read, state_variables
from tfzoo.callbacks.sigterm import Sigterm
from tfzoo.callbacks.throughput import Throughput


class ResumableRun(keras.callbacks.CallbackList):
    """All callbacks of a `fit` with `Resume`, and its place in the loop.

    Keras's loop begins at the beginning. Up to the place of the checkpoint each step only draws its
    batches, and no callback hears of it; then the state is restored, and all goes on. So the data
    are where they would be, whether they end with each epoch, never, or shuffle anew every time.

    Args:
        resume: the `Resume`.
        callbacks: list of all callbacks, with it.
        model: the task.
        first_batch: `FirstBatch` of the training data.
        **params: of `keras.callbacks.CallbackList`.
    """

    def __init__(self, resume, callbacks, model, first_batch, **params):
        add_progbar = params["verbose"] != 0
        super().__init__(callbacks, True, add_progbar, model, **params)
        self.is_skipping = False
        self._checkpoints, strategy = resume.checkpoints, model.distribute_strategy
        if is_run_by_several(strategy):
            self._checkpoints = self._checkpoints.of_host(strategy.cluster_resolver.task_id)
        self._folder, self._common = self._checkpoints.folder, functools.partial(common, strategy)
        self._interval, self._first_batch = resume.every_n_steps, first_batch
        self._state = state_variables(model)
        # Before anything is restored: it is about what the user asked for.
        self._identity = identity(
            model,
            steps_per_epoch=params["steps"],
            num_replicas=model.distribute_strategy.num_replicas_in_sync,
        )
        self._throughputs = [each for each in callbacks if isinstance(each, Throughput)]
        self.sigterm, self.writing, self._train_function = Sigterm(), Beside(), None
        self._epoch = self._calls = self._calls_saved = self._calls_to_skip = 0
        self._arrays = self._facts = None
        self._logs, self._metrics_before_validation = {}, None
        self._history, self._epochs = {}, []

    def give_back_train_function(self):
        """Takes this run out of the model again."""
        if self._train_function is not None:
            self.model.train_function = self._train_function

    def on_train_begin(self, logs=None):
        """Looks for a checkpoint; Keras has made its train function just before."""
        found = self._checkpoints.newest()
        if found:
            require_same(self._folder, found[1]["identity"], self._identity)
        if is_run_by_several(self.model.distribute_strategy):  # others may have less of it
            found = self._checkpoints.newest(self._common)
        if found:
            self._arrays, self._facts = found
            self._calls_to_skip = self._calls_saved = self._facts["calls"]
            self.is_skipping = True
        self._checkpoints.prepare()
        self._train_function = self.model.train_function
        self.model.train_function = self._step
        super().on_train_begin(logs)

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch, and the history before it."""
        self._epoch = epoch
        if not self.is_skipping:
            history = self.model.history
            self._history = {name: [*values] for name, values in history.history.items()}
            self._epochs = [*history.epoch]
            super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        """As in Keras, unless the step is passed over."""
        if not self.is_skipping:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Saves if it is time to, after all other callbacks; or wakes up where the run goes on."""
        if self.is_skipping:
            self._wake_up_if_there()
            return
        super().on_train_batch_end(batch, logs)
        self._logs = logs
        now, before = (calls * self._steps_per_call for calls in (self._calls, self._calls - 1))
        if now // self._interval > before // self._interval or self.sigterm.has_come:
            self._save()
        self.writing.check()
        self._go_if_sigterm_came()

    def on_test_begin(self, logs=None):
        """Keeps the metrics of the epoch, which validation resets."""
        if self._metrics_before_validation is None:
            self._metrics_before_validation = read(self.model.metrics_variables)
        super().on_test_begin(logs)

    def on_test_batch_end(self, batch, logs=None):
        """Goes, if told to, also from a long validation."""
        super().on_test_batch_end(batch, logs)
        if self.sigterm.has_come:
            self._save()
        self._go_if_sigterm_came()

    def on_epoch_end(self, epoch, logs=None):
        """As in Keras, unless the whole epoch is passed over."""
        if not self.is_skipping:
            super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs=None):
        """Saves the end of the run."""
        if self.is_skipping:
            raise ValueError(
                f"The run in {self._folder} has taken "
                f"{self._calls_to_skip * self._steps_per_call} steps already, more than there are "
                "in these epochs and data. Ask for more `epochs`, or choose another folder."
            )
        self._save()
        self.writing.finish()
        super().on_train_end(logs)

    def _step(self, iterator):
        """Takes the place of the model's train function."""
        if not self.is_skipping:
            logs = self._train_function(iterator)
            self._calls += 1
            self._metrics_before_validation = None
            return logs
        self._go_if_sigterm_came()
        num_batches = draw(iterator, self._steps_per_call)
        for throughput in self._throughputs:
            throughput.pass_over(num_batches)
        require_same_batch(self._folder, self._facts["first_batch"], self._first_batch.found)
        self._calls += 1
        if self._calls < self._calls_to_skip:
            return {}
        assign([*self._state, *self.model.metrics_variables], self._arrays)
        self._logs, self._arrays = self._facts["logs"], None
        return self._logs

    def _wake_up_if_there(self):
        if self._calls < self._calls_to_skip:
            return
        self.is_skipping = False
        history = self.model.history
        history.history, history.epoch = self._facts["history"], self._facts["epochs"]
        if self.params["verbose"]:
            steps = self._calls * self._steps_per_call
            print(f"Going on after step {steps}, in epoch {self._epoch + 1}, from {self._folder}.")
        self.on_epoch_begin(self._epoch)
        for throughput, measured in zip(
            self._throughputs, self._facts.get("measured", ()), strict=False
        ):
            throughput.measured = measured

    def _save(self):
        if self._calls == self._calls_saved:
            return
        metrics = self._metrics_before_validation or read(self.model.metrics_variables)
        facts = {
            "calls": self._calls,
            "logs": _plain(self._logs),
            "history": {name: _plain(values) for name, values in self._history.items()},
            "epochs": self._epochs,
            "measured": [throughput.measured for throughput in self._throughputs],
            "first_batch": self._first_batch.found,
            "identity": self._identity,
        }
        steps = self._calls * self._steps_per_call
        arrays = [*read(self._state), *metrics]
        self.writing.start(self._checkpoints.write, steps, arrays, facts)
        self._calls_saved = self._calls

    @property
    def _steps_per_call(self):
        return self.model.steps_per_execution

    def _go_if_sigterm_came(self):
        if self.sigterm.has_come:
            self.writing.finish()
            sentence = f"SIGTERM: the run is saved in {self._folder}; run it again to go on."
            print(sentence, file=sys.stderr)
            raise SystemExit(PREEMPTED_EXIT_CODE)


def draw(iterator, count):
    """Draws as many batches, or fewer where an epoch ends; returns how many.

    Raises:
        StopIteration: if it has ended already.
    """
    for number in range(count):
        try:
            next(iterator)
        except StopIteration:
            if not number:
                raise
            return number
    return count


def _plain(values):
    """Logs as JSON holds them: floats of 32 bits become equal ones of 64."""
    if isinstance(values, dict):
        return {name: np.asarray(value).tolist() for name, value in values.items()}
    return [np.asarray(value).tolist() for value in values]
