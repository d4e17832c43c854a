"""What every family needs and `keras.Model` leaves out."""

import types

import keras
import numpy as np
import tensorflow as tf

from tfzoo.data import batches, shuffled_batches
from tfzoo.models import preset
from tfzoo.optimizers import RunSchedule

TEXTS_PER_PACK = 1024


class Task(keras.Model):
    """A backbone, a preprocessor, and an objective: the base of everything that `fit` trains.

    It adds to `keras.Model`, and to nothing else:

    - `fit` and `evaluate` on raw texts, through the preprocessor's `pack`, and `predict` through
      the preprocessor itself;
    - weights and optimizer slots exist once `compile` returns, so that strategies, checkpoints and
      callbacks can rely on them;
    - logs that are the metrics of all replicas' data together;
    - a learning-rate schedule that wants the length of the run is told it by `fit`;
    - the precision of the backbone is that of the task, so that Keras scales the loss in float16.

    Args:
        backbone: the network.
        preprocessor: optional, turns raw data into batches.
        **kwargs: passed to `keras.Model`.
    """

    def __init__(self, backbone, preprocessor=None, **kwargs):
        kwargs.setdefault("dtype", backbone.dtype_policy)
        super().__init__(**kwargs)
        self.backbone = backbone
        self.preprocessor = preprocessor
        # In a namespace, because Keras would track a dictionary and save the graphs in it.
        self._graphs = types.SimpleNamespace(by_key={})
        self.built = True

    def compile(self, optimizer, **kwargs):
        """Configures the task as `keras.Model.compile` does, and builds the optimizer."""
        super().compile(optimizer=optimizer, **kwargs)
        self.optimizer.build(self.trainable_variables)

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
        """Trains, as `keras.Model.fit` does, on prepared batches or on raw texts.

        Args:
            x: texts (a list of strings, a string tensor, or a `tf.data.Dataset` of strings), or
                anything that `keras.Model.fit` takes.
            y: targets, for prepared arrays.
            batch_size: int, rows per step over all replicas; ignored for prepared datasets.
            epochs: int.
            validation_data: like `x`, or a tuple `(x, y)`.
            steps_per_epoch: optional int; by default as many as the data has.
            seed: int, order of the rows of raw texts. The same seed gives the same order.
            **kwargs: passed to `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`.
        """
        if is_text_dataset(x):
            x = self._stream(x, batch_size, seed)
        elif is_text(x):
            rows = self._pack(x)
            num_rows = len(rows[1])
            batch_size = min(batch_size, num_rows)
            steps_per_epoch = steps_per_epoch or num_rows // batch_size
            x = shuffled_batches(rows, batch_size, seed=seed)
        if is_text(validation_data):
            validation_data = self._evaluation_batches(validation_data, batch_size)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # spares the user a warning of Keras
        else:
            kwargs["batch_size"] = batch_size
        self._tell_run_length(steps_per_epoch or _num_steps(x, batch_size), epochs)
        return super().fit(
            x,
            y,
            epochs=epochs,
            validation_data=validation_data,
            steps_per_epoch=steps_per_epoch,
            **kwargs,
        )

    def evaluate(self, x=None, y=None, batch_size=32, **kwargs):
        """Evaluates, as `keras.Model.evaluate` does, on prepared batches or on raw texts.

        Args:
            x: like `x` of `fit`.
            y: targets, for prepared arrays.
            batch_size: int; ignored for prepared datasets.
            **kwargs: passed to `keras.Model.evaluate`; `return_dict=True` names the numbers.

        Returns:
            The metrics, each the weighted mean over all tokens.
        """
        if is_text(x):
            x = self._evaluation_batches(x, batch_size)
        if not isinstance(x, tf.data.Dataset):
            kwargs["batch_size"] = batch_size
        return super().evaluate(x, y, **kwargs)

    def predict(self, x, batch_size=32, **kwargs):
        """Predicts, as `keras.Model.predict` does, on prepared batches or on raw texts.

        Args:
            x: like `x` of `fit`; each text is one row, cut at the preprocessor's length.
            batch_size: int; ignored for prepared datasets.
            **kwargs: passed to `keras.Model.predict`.

        Returns:
            What `call` returns, for all rows, as NumPy arrays.
        """
        if is_text(x):
            texts = x if is_text_dataset(x) else tf.data.Dataset.from_tensor_slices(_tensor(x))
            x = texts.batch(batch_size).map(lambda batch: self._attached()(batch)[0])
        if not isinstance(x, tf.data.Dataset):
            kwargs["batch_size"] = batch_size
        return super().predict(x, **kwargs)

    def save_to_preset(self, folder):
        """Saves backbone, preprocessor and weights; see `tfzoo.models.preset.save`."""
        preset.save(self, folder)

    @classmethod
    def from_preset(cls, folder, **changes):
        """Loads a preset or a Hugging Face folder; see `tfzoo.models.preset.load_task`."""
        return preset.load_task(cls, folder, **changes)

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
        """Returns what `make()` returned the first time it was called for `key`."""
        if key not in self._graphs.by_key:
            self._graphs.by_key[key] = make()
        return self._graphs.by_key[key]

    def _pack(self, texts):
        """All texts as packed rows in memory: tokenized once, whatever the number of epochs."""
        texts = _tensor(texts)
        if tf.size(texts) == 0:
            raise ValueError("`x` must hold at least one text; received an empty list.")
        return tf.nest.map_structure(lambda rows: rows.numpy(), self._attached().pack(texts))

    def _stream(self, texts, batch_size, seed):
        """Packed batches of texts that need not fit into memory, shuffled within 64 batches."""
        rows = texts.batch(TEXTS_PER_PACK).map(self._attached().pack).unbatch()
        rows = rows.shuffle(64 * batch_size, seed=seed).batch(batch_size, drop_remainder=True)
        return rows.prefetch(2)

    def _evaluation_batches(self, texts, batch_size):
        if is_text_dataset(texts):
            packed = texts.batch(TEXTS_PER_PACK).map(self._attached().pack)
            return packed.unbatch().batch(batch_size).prefetch(2)
        return batches(self._pack(texts), batch_size)

    def _attached(self):
        if self.preprocessor is None:
            raise ValueError(
                f"Raw texts need a preprocessor, and this {type(self).__name__} has none. Pass one "
                "to the constructor, or pass prepared batches."
            )
        return self.preprocessor

    def _tell_run_length(self, steps_per_epoch, epochs):
        # Keras keeps a schedule under a private name only; a loss scaler keeps it one level down.
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        schedule = getattr(optimizer, "_learning_rate", None)
        if isinstance(schedule, RunSchedule) and schedule.total_steps is None and steps_per_epoch:
            schedule.set_total_steps(steps_per_epoch * epochs)


def sum_over_replicas(tensors):
    """Sums a tensor, or each of a list, over the replicas of the strategy."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return tensors
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def is_text_dataset(x):
    """Whether `x` is a `tf.data.Dataset` of scalar strings."""
    return isinstance(x, tf.data.Dataset) and x.element_spec == tf.TensorSpec([], tf.string)


def is_text(x):
    """Whether `x` is raw text: a string or strings, in a list, tensor, array or dataset."""
    if isinstance(x, (str, bytes)) or is_text_dataset(x):
        return True
    if isinstance(x, (list, tuple)):
        return all(isinstance(text, (str, bytes)) for text in x)
    if tf.is_tensor(x):
        return x.dtype == tf.string
    return isinstance(x, np.ndarray) and x.dtype.kind in "USO"


def _tensor(texts):
    return tf.constant([texts] if isinstance(texts, (str, bytes)) else texts, tf.string)


def _num_steps(x, batch_size):
    """Batches in prepared data, or None when only iterating would tell."""
    if isinstance(x, tf.data.Dataset):
        cardinality = int(x.cardinality())
        return cardinality if cardinality > 0 else None
    arrays = tf.nest.flatten(x)
    return -(-len(arrays[0]) // batch_size) if hasattr(arrays[0], "__len__") else None
