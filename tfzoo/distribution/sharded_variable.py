"""A variable of which every device holds a part."""

import numpy as np
import tensorflow as tf
from tensorflow.experimental import dtensor


class ShardedVariable(dtensor.DVariable):
    """A DTensor variable that reads and writes in the order of the program, and is saved whole.

    DTensor forgets, within a function, that a read comes after a write: what is read is what was
    there before the step, and of two writes any may be the last. That is why Keras's Adam is
    silently wrong on it, and so are metrics that are read in the step that moves them. Here a step
    (`TensorParallel.run`) keeps what it writes, reads it back from there, and writes each variable
    once, at its end.

    Outside of a step it takes and gives whole arrays, as every other variable does, so that
    checkpoints know nothing of shards.

    Args:
        array: array, the whole initial value.
        layout: `tf.experimental.dtensor.Layout`, which axis is cut along which axis of the mesh.
        num_groups: int, see `in_groups`; 1 leaves the columns where they are.
        **kwargs: passed to `tf.experimental.dtensor.DVariable`.
    """

    def __init__(self, array, layout, num_groups=1, **kwargs):
        self.num_groups = num_groups
        super().__init__(pack(in_groups(array, num_groups), layout), **kwargs)

    def shards(self):
        """The parts that the devices hold, in the order of the mesh, as arrays."""
        return [np.asarray(part) for part in dtensor.unpack(super().read_value())]

    def numpy(self):
        """The whole value."""
        whole = np.empty(self.shape, self.dtype.as_numpy_dtype)
        for place, part in zip(places(self.layout, self.shape), self.shards(), strict=True):
            whole[place] = part
        return in_turn(whole, self.num_groups)

    def assign(self, value, use_locking=None, name=None, read_value=True):
        """Writes: in a step at its end, elsewhere at once and from a whole array."""
        writes = self._distribute_strategy.writes
        if writes is not None:
            writes[self._unique_id] = self, tf.cast(value, self.dtype)
            return self
        if tf.executing_eagerly():
            array = np.asarray(value).astype(self.dtype.as_numpy_dtype)
            value = pack(in_groups(array, self.num_groups), self.layout)
        return super().assign(value, use_locking, name, read_value)

    def assign_add(self, delta, use_locking=None, name=None, read_value=True):
        """Adds, and writes."""
        return self.assign(self._before(delta) + delta, use_locking, name, read_value)

    def assign_sub(self, delta, use_locking=None, name=None, read_value=True):
        """Subtracts, and writes."""
        return self.assign(self._before(delta) - delta, use_locking, name, read_value)

    def value(self):
        """Reads what the program has written last."""
        written = (self._distribute_strategy.writes or {}).get(self._unique_id)
        return super().value() if written is None else written[1]

    def read_value(self):
        """As `value`."""
        return self.value()

    def _before(self, delta):
        return self.numpy() if self._distribute_strategy.writes is None else self.value()

    # How `tf.train.Checkpoint` saves and restores; DTensor's own way needs a mesh to restore.
    def _serialize_to_tensors(self):
        return {"VARIABLE_VALUE": tf.constant(self.numpy())}

    def _restore_from_tensors(self, restored_tensors):
        return self.assign(restored_tensors["VARIABLE_VALUE"])


def pack(array, layout):
    """Gives each device of a mesh its part of an array, and no device more."""
    parts = [array[place] for place in places(layout, array.shape)]
    return dtensor.pack(parts, layout)


def places(layout, shape):
    """For each device of a mesh the slices of its part of an array."""
    for device in layout.mesh.local_device_locations():
        yield tuple(
            _part(size, layout.mesh.dim_size(axis), device[axis])
            if axis != dtensor.UNSHARDED
            else slice(None)
            for axis, size in zip(layout.sharding_specs, shape, strict=True)
        )


def in_groups(array, num_groups):
    """Puts the columns (3 x H x K) of all queries, keys and values into groups of heads.

    Of G groups each has the queries, keys and values of H / G heads, (G x 3 x H / G x K), so that a
    G-th of the columns is all that some heads need.

    Args:
        array: (..., 3 D).
        num_groups: int, G.

    Returns:
        An array (..., 3 D).
    """
    return _swapped(array, 3, num_groups)


def in_turn(array, num_groups):
    """Undoes `in_groups`."""
    return _swapped(array, num_groups, 3)


def _swapped(array, outer, inner):
    if 1 in (outer, inner):
        return array
    parts = array.reshape(*array.shape[:-1], outer, inner, -1)
    return np.swapaxes(parts, -3, -2).reshape(array.shape)


def _part(size, count, number):
    return slice(number * size // count, (number + 1) * size // count)
