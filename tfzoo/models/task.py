"""What every family needs and `keras.Model` leaves out."""

import contextlib
import types
import warnings

import keras
import numpy as np
import tensorflow as tf

from tfzoo.callbacks.progress_bar import with_progress_bar
from tfzoo.callbacks.resumable import resumable
from tfzoo.callbacks.throughput import counted
from tfzoo.distribution import placement
from tfzoo.models import preset, text_batches, work
from tfzoo.models.arguments import require_ints
from tfzoo.models.in_one_sentence import in_one_sentence
from tfzoo.optimizers import RunSchedule


class Task(keras.Model):
    """Networks, a preprocessor, and an objective: the base of everything that `fit` trains.

    It adds to `keras.Model`, and to nothing else:

    - `fit`, `evaluate` and `predict` on raw data, which four hooks turn into batches. As they
      stand here, raw data are texts, and the preprocessor packs them; see `is_raw`;
    - weights and optimizer slots exist once `compile` returns, so that strategies, checkpoints and
      callbacks can rely on them;
    - a run that was killed goes on inside an epoch, with `tfzoo.callbacks.Resume`;
    - logs that are the metrics of all replicas' data together;
    - a learning-rate schedule that wants the length of the run is told it by `fit`;
    - the precision of the backbone is that of the task, so that Keras scales the loss in float16.

    Args:
        backbone: the network, or None where a family has other parts; it then lists them in
            `PARTS` and sets them itself.
        preprocessor: optional, turns raw data into batches.
        **kwargs: passed to `keras.Model`.
    """

    # Arguments of the constructor that are objects with a config of their own.
    PARTS = ("backbone", "preprocessor")
    # What `from_preset` makes of them for the task: a class, or None where any will do.
    BACKBONE = PREPROCESSOR = None
    # What it takes besides prepared batches, for the sentence that refuses anything else.
    RAW_DATA = "texts"
    # What an export says of the task: what it is for, and a sentence for each input of its
    # `serving_functions`. Defaults are those of the functions, descriptions their docstrings.
    SERVES, INPUTS = None, {}

    def __init__(self, backbone=None, preprocessor=None, **kwargs):
        placement.require_supported(tf.distribute.get_strategy(), backbone is not None)
        if backbone is not None:
            kwargs.setdefault("dtype", backbone.dtype_policy)
        super().__init__(**kwargs)
        self.backbone = backbone
        self.preprocessor = preprocessor
        self._require_parts()
        _require_room(backbone, preprocessor)
        # In a namespace, because Keras would track a dictionary and save the graphs in it.
        self._graphs = types.SimpleNamespace(by_key={})
        # Until `compile` decides: a model that only reads meets rows of many lengths, and XLA would
        # compile for each.
        self.jit_compile = False
        self.built = True

    def compile(
        self, optimizer, loss=None, max_gradient_norm=1.0, gradient_accumulation=1, **kwargs
    ):
        """Configures a task with one objective, and builds its optimizer.

        A task with several overrides it, builds its own optimizers, and lists them in `optimizers`.

        Args:
            optimizer: a Keras optimizer.
            loss: the objective, for the task's `train_step`.
            max_gradient_norm: float > 0, the gradient of the whole global batch is clipped to this
                norm; None does not clip.
            gradient_accumulation: int >= 1, micro-batches that a batch is cut into; memory falls,
                the result stays the same.
            **kwargs: passed to `keras.Model.compile`, such as `jit_compile`, `steps_per_execution`.
        """
        if loss is not None and not callable(loss):
            raise ValueError(
                "`loss` must be an objective of `tfzoo.losses`, such as `TokenLoss()`; received "
                f"{loss!r}."
            )
        if kwargs.get("metrics"):
            raise ValueError(
                f"`metrics` must be left out: a {type(self).__name__} reports its own; received "
                f"{kwargs['metrics']!r:.80}."
            )
        require_ints(gradient_accumulation=gradient_accumulation)
        if placement.is_tensor_parallel(self.distribute_strategy):
            kwargs.setdefault("jit_compile", False)
        super().compile(optimizer=optimizer, **kwargs)
        self.objective = loss
        self.max_gradient_norm = max_gradient_norm
        self.gradient_accumulation = gradient_accumulation
        placement.require_placement(self, self.optimizers)
        self.optimizer.build(self.trainable_variables)
        self._paths_to_train = _paths(self.trainable_variables)

    def get_compile_config(self):
        """Returns the arguments of `compile`, so that a saved model comes back compiled."""
        if not self.compiled:
            return None
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "loss": keras.saving.serialize_keras_object(self.objective),
            "max_gradient_norm": self.max_gradient_norm,
            "gradient_accumulation": self.gradient_accumulation,
            "jit_compile": self.jit_compile,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config):
        """Compiles with what `get_compile_config` returned."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def optimizers(self):
        """All optimizers of the task."""
        return [self.optimizer]

    @property
    def learning_rates(self):
        """Dict of name in the logs and float: the rate of the step to come, of each optimizer."""
        return {"learning_rate": work.learning_rate_of(self.optimizer)}

    def fit(
        self,
        x=None,
        y=None,
        batch_size=32,
        epochs=1,
        *,
        validation_data=None,
        steps_per_epoch=None,
        seed=0,
        **kwargs,
    ):
        """Trains, as `keras.Model.fit` does, on prepared batches or on raw data.

        Args:
            x: raw data, or anything that `keras.Model.fit` takes. Raw data are strings in a list, a
                tensor or a `tf.data.Dataset`; for a GAN samples in an array, `tfzoo.data.Images`,
                or a dataset, single or in batches. With many hosts each is given the same data, and
                takes its rows of each batch.
            y: labels of raw data, or targets of prepared arrays.
            batch_size: int, rows per step over all replicas; ignored for datasets of batches.
            epochs: int.
            validation_data: like `x`, or a tuple `(x, y)`.
            steps_per_epoch: optional int; by default as many as the data has. How many a dataset of
                strings or samples has is not known: without it a schedule that follows the run
                stays at its peak, and says so.
            seed: int, order of the rows of raw data. The same seed gives the same order.
            **kwargs: passed to `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`.
        """
        self._require_compiled()
        is_raw = self.is_raw(x)
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            are_names = isinstance(batch_size, tuple)
            hint = " Of `Images`, pass `.images` and `.labels`." if are_names else ""
            raise ValueError(
                "`batch_size`, the third argument, must be an int, 1 or more; received "
                f"{batch_size!r:.80}.{hint}"
            )
        if is_raw:
            _refuse_arguments_of_arrays(kwargs)
            x, num_steps = self.training_batches(x, y, batch_size, seed)
            y, steps_per_epoch = None, steps_per_epoch or num_steps
        self._require_batches(x)
        x = placement.global_batches(x, batch_size, self.distribute_strategy)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # spares the user a warning of Keras
        else:
            kwargs["batch_size"] = batch_size
        num_epochs = epochs - kwargs.get("initial_epoch", 0)
        num_steps = steps_per_epoch or _num_steps(x, batch_size)
        self._tell_run_length(num_steps and num_steps * num_epochs)
        kwargs["callbacks"] = with_progress_bar(**kwargs)
        x = counted(self, x, kwargs["callbacks"])
        with (
            in_one_sentence(),
            placement.named_losses(self.distribute_strategy),
            resumable(self, x, epochs, num_steps, **kwargs) as (x, kwargs),
        ):
            history = super().fit(
                x,
                y,
                epochs=epochs,
                validation_data=self._validation_data(validation_data, batch_size),
                steps_per_epoch=steps_per_epoch,
                **kwargs,
            )
        # Callbacks and validation log, too, where no batch came.
        own_logs = {metric.name for metric in self.metrics}
        if is_raw and history.epoch and own_logs and own_logs.isdisjoint(history.history):
            raise ValueError(
                f"`x` must give at least one batch of {batch_size} rows; the dataset gave none. "
                "Lower `batch_size`, or give more data."
            )
        return history

    def evaluate(self, x=None, y=None, batch_size=32, **kwargs):
        """Evaluates, as `keras.Model.evaluate` does, on prepared batches or on raw data.

        Args:
            x: like `x` of `fit`.
            y: like `y` of `fit`.
            batch_size: int; ignored for prepared datasets.
            **kwargs: passed to `keras.Model.evaluate`; `return_dict=True` names the numbers.

        Returns:
            The metrics, each the weighted mean over all that has a weight.
        """
        if getattr(kwargs.get("callbacks"), "is_skipping", False):
            return {}  # the validation of an epoch that `Resume` passes over
        placement.require_placement(self, self._compiled_optimizers())
        if self.is_raw(x):
            x, y = self.evaluation_batches(x, y, batch_size), None
        self._require_batches(x)
        x = placement.every_host_reads_all(x)
        if not isinstance(x, tf.data.Dataset):
            kwargs["batch_size"] = batch_size
        kwargs["callbacks"] = with_progress_bar(**kwargs)
        with in_one_sentence(), placement.named_losses(self.distribute_strategy):
            return super().evaluate(x, y, **kwargs)

    def predict(self, x, batch_size=32, **kwargs):
        """Predicts, as `keras.Model.predict` does, on prepared batches or on raw data.

        Args:
            x: like `x` of `fit`; each text is one row, cut at the preprocessor's length.
            batch_size: int; ignored for prepared datasets.
            **kwargs: passed to `keras.Model.predict`.

        Returns:
            What `call` returns, for all rows, as NumPy arrays.
        """
        placement.require_placement(self, self._compiled_optimizers())
        if self.is_raw(x):
            x = self.prediction_batches(x, batch_size)
        self._require_batches(x)
        x = placement.every_host_reads_all(x)
        if not isinstance(x, tf.data.Dataset):
            kwargs["batch_size"] = batch_size
        with in_one_sentence(), placement.named_losses(self.distribute_strategy):
            return super().predict(x, **kwargs)

    def is_raw(self, x):
        """Whether `x` is what the three hooks below take, and not what Keras itself takes."""
        return text_batches.is_text(x)

    def training_batches(self, x, y, batch_size, seed):
        """Turns raw data into a dataset for training.

        Returns:
            `(dataset, steps)`: shuffled batches, and how many make an epoch of an endless dataset,
            or None when the dataset itself ends.
        """
        self._refuse_labels(y)
        return text_batches.training_batches(self._attached(), x, batch_size, seed)

    def evaluation_batches(self, x, y, batch_size):
        """Turns raw data into a dataset in which every example comes once, in order."""
        self._refuse_labels(y)
        return text_batches.evaluation_batches(self._attached(), x, batch_size)

    def prediction_batches(self, x, batch_size):
        """Turns raw data without labels into a dataset of inputs, in order."""
        return text_batches.prediction_batches(self._attached(), x, batch_size)

    # What `Throughput` counts.
    work_unit = "tokens"

    def work_of(self, batch):
        """Counts, in the graph, what is in a batch: float64 (2,), real tokens and operations."""
        return work.of_text(self.backbone, batch)

    def save_to_preset(self, folder):
        """Saves backbone, preprocessor and weights; see `tfzoo.models.preset.save`."""
        preset.save(self, folder)

    @classmethod
    def from_preset(cls, folder, **changes):
        """Loads a preset or a Hugging Face folder; see `tfzoo.models.preset.load_task`.

        `Task.from_preset` loads whatever task the folder holds.
        """
        task = preset.load_task(cls, folder, **changes)
        if type(task) is Task:
            raise ValueError(
                f"`folder` must say what task its network is for; received {folder}, which holds a "
                "backbone alone. Call `from_preset` of the class of a task."
            )
        return task

    def results(self, metrics):
        """Returns name and value of each metric over the data of all replicas.

        On a replica `metric.result()` knows that replica's data only, and the mean of the replicas'
        results is not the result when their padding differs. Metrics are sums of what they saw: the
        sums of the replicas' sums are right.

        Args:
            metrics: list of Keras metrics with additive state.

        Returns:
            Dict of scalars, equal on all replicas.
        """
        variables = [variable for metric in metrics for variable in metric.variables]
        sums = sum_over_replicas([tf.convert_to_tensor(variable) for variable in variables])
        with keras.StatelessScope(zip(variables, sums, strict=True)):
            return {metric.name: metric.result() for metric in metrics}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: all is built already.

        Under a strategy Keras would average the first batch over the replicas to learn its shape,
        which fails on masks and on strings. There is no public way to tell it not to.
        """

    def graph(self, key, make):
        """Returns the function that `make()` made the first time it was called for `key`."""
        placement.require_one_piece(self.distribute_strategy)
        if key not in self._graphs.by_key:
            self._graphs.by_key[key] = in_one_sentence()(make())
        return self._graphs.by_key[key]

    @contextlib.contextmanager
    def fresh_graphs(self):
        """Inside, `graph` makes all functions anew, and forgets them afterwards."""
        graphs, self._graphs.by_key = self._graphs.by_key, {}
        try:
            yield
        finally:
            self._graphs.by_key = graphs

    def get_config(self):
        """Returns the constructor's arguments."""
        parts = {
            name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.PARTS
        }
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config):
        """Restores the task with its parts."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in cls.PARTS}
        return cls(**{**config, **parts})

    def _validation_data(self, data, batch_size):
        if self.is_raw(data):
            data = self.evaluation_batches(data, None, batch_size)
        elif isinstance(data, tuple) and len(data) == 2 and self.is_raw(data[0]):
            data = self.evaluation_batches(*data, batch_size)
        return placement.every_host_reads_all(data)

    def _require_compiled(self):
        if not self.compiled:
            raise ValueError(
                f"A {type(self).__name__} must be compiled before `fit`. Call `compile()` first."
            )
        if getattr(self, "_paths_to_train", None) not in (None, _paths(self.trainable_variables)):
            raise ValueError(
                "Other variables are to be trained than when `compile` was called: layers were "
                "frozen, or LoRA enabled, in between. Call `compile` again before `fit`."
            )
        placement.require_placement(self, self._compiled_optimizers())

    def _compiled_optimizers(self):
        return self.optimizers if self.compiled else ()

    def _require_batches(self, x):
        """Refuses what is neither raw data nor batches: Keras would print all of it."""
        if not isinstance(x, (list, tuple, dict, str, bytes, type(None))):
            return
        odd = [part for part in tf.nest.flatten(x) if not hasattr(part, "shape")]
        if odd or not x:
            no_text = [part for part in odd if not isinstance(part, (str, bytes))]
            first = (no_text or odd or [None])[0]
            found = f"a {type(x).__name__} that holds a {type(first).__name__}" if odd and x else x
            raise ValueError(
                f"`x` must be {self.RAW_DATA}, or prepared batches: arrays, tensors, or a "
                f"`tf.data.Dataset`; received {found!s:.80}."
            )

    def _require_parts(self):
        for name, kind in {"backbone": self.BACKBONE, "preprocessor": self.PREPROCESSOR}.items():
            part = getattr(self, name)
            is_left_out = part is None and name == "preprocessor"
            if kind is not None and not is_left_out and not isinstance(part, kind):
                found = "None" if part is None else f"a {type(part).__name__}"
                raise ValueError(
                    f"`{name}` of a {type(self).__name__} must be a {kind.__name__}; received "
                    f"{found}."
                )

    def _refuse_labels(self, y):
        if y is not None:
            raise ValueError(
                f"`y` must be None: {type(self).__name__} makes its targets from the texts "
                f"themselves; received a {type(y).__name__}."
            )

    def _attached(self):
        if self.preprocessor is None:
            raise ValueError(
                f"Raw data need a preprocessor, and this {type(self).__name__} has none. Pass one "
                "to the constructor, or pass prepared batches."
            )
        return self.preprocessor

    def _tell_run_length(self, num_steps):
        """Begins the schedules of a run of so many steps, or of None where that is not known."""
        for optimizer in self.optimizers:
            # Keras keeps a schedule under a private name only; a loss scaler one level down.
            optimizer = getattr(optimizer, "inner_optimizer", optimizer)
            schedule = getattr(optimizer, "_learning_rate", None)
            if not isinstance(schedule, RunSchedule) or num_steps == 0:
                continue
            schedule.begin_run(optimizer.iterations.numpy(), num_steps)
            if schedule.total_steps is None:
                warnings.warn(
                    "The length of the dataset is not known, so the learning rate neither warms up "
                    "nor falls; pass `steps_per_epoch`.",
                    stacklevel=3,
                )


def _refuse_arguments_of_arrays(arguments):
    """Refuses what Keras does with arrays only, where raw data are given."""
    advice = {
        "validation_split": "split the data, and pass one part as `validation_data`",
        "class_weight": "a text classifier takes it in `compile`, by the names of the classes",
        "sample_weight": "weights are part of prepared batches, `(x, y, weights)`",
    }
    for name, instead in advice.items():
        value = arguments.get(name)
        if value is not None and not (isinstance(value, float) and value == 0):
            raise ValueError(f"`{name}` must be left out with raw data: {instead}.")


def _paths(variables):
    return tuple(variable.path for variable in variables)


def _require_room(backbone, preprocessor):
    tokenizer = getattr(preprocessor, "tokenizer", None)
    if tokenizer is not None and tokenizer.vocabulary_size > backbone.vocabulary_size:
        raise ValueError(
            f"`backbone` must embed every token of the preprocessor's tokenizer, which has "
            f"{tokenizer.vocabulary_size}; received a backbone with vocabulary_size="
            f"{backbone.vocabulary_size}."
        )


def sum_over_replicas(tensors):
    """Sums a tensor, or each of a list, over the replicas of the strategy."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return tensors
    # What was read from a variable has no device, and many hosts want to know it.
    tensors = tf.nest.map_structure(tf.identity, tensors)
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def _num_steps(x, batch_size):
    """Batches in prepared data, or None when only iterating would tell."""
    if isinstance(x, tf.data.Dataset):
        cardinality = int(x.cardinality())
        return cardinality if cardinality > 0 else None
    arrays = tf.nest.flatten(x)
    return -(-len(arrays[0]) // batch_size) if hasattr(arrays[0], "__len__") else None
