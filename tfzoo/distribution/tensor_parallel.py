"""One model cut over several devices: each holds some heads and some columns of every block."""

import contextlib
import math
import re

import keras
import numpy as np
import tensorflow as tf
from tensorflow.experimental import dtensor

from tfzoo.distribution.placement import refuse_scope, remember
from tfzoo.distribution.sharded_variable import ShardedVariable, pack
from tfzoo.distribution.strategies import existing

DATA, MODEL = "data", "model"
# What is cut, by the path of a weight; an optimizer's slots are called by the same path, joined by
# underscores: the rank of the weight, and the axis.
CUTS = {
    # Columns: each device computes some heads, and some units of the feed-forward network ...
    r"attention[/_]query_key_value[/_]kernel": (2, 1),
    r"attention[/_]query_key_value[/_]bias": (1, 0),
    r"attention[/_]query_key_value_update[/_]b(_|$)": (2, 1),
    r"feed_forward[/_]expand[/_]kernel": (2, 1),
    r"feed_forward[/_]expand[/_]bias": (1, 0),
    # ... and rows: what reads them, so that their sums are all that devices tell each other.
    r"attention[/_]output[/_]kernel": (2, 0),
    r"feed_forward[/_]contract[/_]kernel": (2, 0),
    # One row, or column, for each token of the vocabulary.
    r"token_embedding[/_]embeddings": (2, 0),
    r"(^|[/_])head[/_]kernel": (2, 1),
}
GROUPED = "query_key_value"
PER_TOKEN = r"token_embedding[/_]|(^|[/_])head[/_]"
# What moves each number by itself; others would need the whole matrix, or another order of writes.
OPTIMIZERS = (keras.optimizers.SGD, keras.optimizers.Adam, keras.optimizers.AdamW)


def tensor_parallel(mesh=(1, 2), devices=None):
    """A strategy for models that are too large for one device: their weights are cut, not copied.

    Each of `model` devices holds some heads of attention, some columns of the feed-forward networks
    and some tokens of the embeddings, and the same of all that an optimizer remembers of them. The
    rows of a batch are cut `data` ways, and weights are the same along that axis. Weights, logs
    and checkpoints are those of one device, up to rounding: a preset or a `.weights.h5` of one is
    one of the other.

    GPT and BERT know how to be cut. `fit`, `evaluate` and `predict` work; to generate, to export or
    to serve, `save_to_preset`, and load that outside of the scope.

    Args:
        mesh: tuple `(data, model)` of two int >= 1. `model` must divide the number of heads and
            `intermediate_dim`, and `data` the rows of a batch. A vocabulary that `model` does not
            divide is not padded, because the ordinary model has no room for that: the embedding is
            then cut along its width.
        devices: optional list of str, such as `["GPU:0", "GPU:1"]`; by default the first GPUs,
            and without any the first logical CPUs, see `logical_cpus`.

    Returns:
        A `TensorParallel`.

    Raises:
        ValueError: `mesh` is no such tuple, or there are not so many devices.

    Example:
        >>> import tfzoo
        >>> strategy = tfzoo.distribution.tensor_parallel(mesh=(1, 1))  # (1, 2): a half for each
        >>> with strategy.scope():
        ...     backbone = tfzoo.models.GPTBackbone(31, num_layers=1, num_heads=2, hidden_dim=8)
        >>> strategy.bytes_per_device(backbone.variables)[0] == 4 * backbone.count_params()
        True

    Source: Shoeybi et al. 2019, "Megatron-LM", section 3.
    """
    refuse_scope()
    if not _is_mesh(mesh):
        raise ValueError(
            f"`mesh` must be a tuple (data, model) of two int, 1 or more; received {mesh!r:.80}."
        )
    count = math.prod(mesh)
    if devices is None:
        kind = "GPU" if tf.config.get_visible_devices("GPU") else "CPU"
        devices = [device.name for device in tf.config.list_logical_devices(kind)][:count]
    devices = existing(devices)
    if len(devices) != count:
        raise ValueError(
            f"`mesh` must have as many places as there are devices; received {mesh[0]} x {mesh[1]} "
            f"for {len(devices)} devices. Of a CPU `tfzoo.distribution.logical_cpus({count})`, "
            "called first, makes as many."
        )
    return remember(TensorParallel(mesh, devices))


class TensorParallel(tf.distribute.OneDeviceStrategy):
    """What `tensor_parallel` returns: to Keras one device, DTensor's, on which it places models.

    Args:
        mesh: tuple `(data, model)`.
        devices: list of str, as many as the mesh has places.
    """

    def __init__(self, mesh, devices):
        self.num_data_shards, self.num_model_shards = mesh
        axes = [(DATA, mesh[0]), (MODEL, mesh[1])]
        self.mesh = dtensor.create_mesh(axes, devices=devices)
        # What the step that is being traced has written so far, by variable; None between steps.
        self.writes = None
        super().__init__(dtensor.device_name())

    @contextlib.contextmanager
    def scope(self):
        """Cuts all variables that are made inside."""
        with super().scope(), tf.variable_creator_scope(self._create):
            yield

    def run(self, fn, args=(), kwargs=None, options=None):
        """Runs a step, and returns what it returns, whole on every device."""
        self.writes = {}
        try:
            outputs = super().run(fn, args, kwargs, options)
            writes = self.writes.values()
        finally:
            self.writes = None
        for variable, value in writes:
            variable.assign(dtensor.relayout(value, variable.layout))
        return tf.nest.map_structure(self.whole, outputs)

    def whole(self, x):
        """The same tensor, all of it on every device."""
        return dtensor.relayout(x, dtensor.Layout.replicated(self.mesh, x.shape.rank))

    def experimental_distribute_dataset(self, dataset, options=None):
        """Cuts every batch along its rows."""
        return _Batches(dataset, self)

    def bytes_per_device(self, variables):
        """What each device holds of variables, measured from its parts.

        Args:
            variables: list of variables of Keras, such as `model.variables`.

        Returns:
            List of int, in the order of the mesh.
        """
        parts = [variable.value.shards() for variable in variables]
        return [sum(part.nbytes for part in of_device) for of_device in zip(*parts, strict=True)]

    def require_supported(self, model, optimizers):
        """Refuses what would be wrong on this strategy, or fail with words of DTensor's."""
        for optimizer in optimizers:
            if not isinstance(optimizer, OPTIMIZERS):
                raise ValueError(
                    "The optimizer of a tensor-parallel model must be SGD, Adam or AdamW; received "
                    f"{type(optimizer).__name__}. Take `tfzoo.optimizers.AdamW`, and bfloat16 "
                    "where float16 would need a loss scale."
                )
        if optimizers and model.jit_compile:
            raise ValueError(
                "`jit_compile` must be False for a tensor-parallel model; received True. Leave it "
                "out."
            )
        if optimizers and model.gradient_accumulation > 1:
            raise ValueError(
                "`gradient_accumulation` must be 1 for a tensor-parallel model; received "
                f"{model.gradient_accumulation}. Cut the batch along the first axis of the mesh."
            )

    def _create(self, next_creator, initial_value, name=None, dtype=None, **kwargs):
        array = initial_value() if callable(initial_value) else initial_value
        array = tf.convert_to_tensor(array, dtype).numpy()
        path = f"{tf.get_current_name_scope()}/{name}"
        axes, is_cut = [dtensor.UNSHARDED] * np.ndim(array), False
        # An axis in one part counts as cut, too, and DTensor splits no such axis further.
        for pattern, (rank, axis) in CUTS.items() if self.num_model_shards > 1 else ():
            if len(axes) == rank and re.search(pattern, path):
                axes[self._axis(path, np.shape(array), axis)], is_cut = MODEL, True
        kept = ("trainable", "synchronization", "aggregation")
        return ShardedVariable(
            np.asarray(array),
            layout=dtensor.Layout(axes, self.mesh),
            num_groups=self.num_model_shards if is_cut and GROUPED in path else 1,
            name=name,
            distribute_strategy=self,
            **{key: value for key, value in kwargs.items() if key in kept},
        )

    def _axis(self, path, shape, axis):
        """The axis to cut: the wanted one, or of what has a row for each token the other."""
        count = self.num_model_shards
        if shape[axis] % count and re.search(PER_TOKEN, path):
            axis = 1 - axis
        if shape[axis] % count:
            raise ValueError(
                f"The second number of `mesh`, {count}, must divide axis {axis} of {path!r}; "
                f"received the shape {shape}. Choose another mesh, or other sizes."
            )
        return axis


class _Batches:
    """A dataset whose batches lie on a mesh."""

    def __init__(self, dataset, strategy):
        self._dataset, self._strategy = dataset, strategy

    def __iter__(self):
        return (tf.nest.map_structure(self._cut, batch) for batch in self._dataset)

    def _cut(self, x):
        # The last batch may not divide: then all have all of it, which costs time and no more.
        divides = x.shape.rank and x.shape[0] % self._strategy.num_data_shards == 0
        axes = [dtensor.UNSHARDED] * x.shape.rank
        if divides:
            axes[0] = DATA
        return pack(x.numpy(), dtensor.Layout(axes, self._strategy.mesh))


def _is_mesh(mesh):
    if not isinstance(mesh, (tuple, list)) or len(mesh) != 2:
        return False
    return all(isinstance(size, int) and size >= 1 for size in mesh)
