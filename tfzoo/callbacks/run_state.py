"""All that a training step reads and moves, as arrays."""

import numpy as np
import tensorflow as tf


def state_variables(model) -> list:
    """Weights, moving statistics, positions of random streams, and every optimizer's variables."""
    variables = [*model.variables]
    for optimizer in model.optimizers:
        variables += optimizer.variables
    return [*{id(variable): variable for variable in variables}.values()]


def read(variables) -> list[np.ndarray]:
    """The values of Keras variables, one array for each copy that has a value of its own."""
    return [copy.numpy() for variable in variables for copy in _copies(variable)]


def assign(variables, arrays: list[np.ndarray]) -> None:
    """Gives variables the values that `read` returned."""
    copies = [copy for variable in variables for copy in _copies(variable)]
    for copy, array in zip(copies, arrays, strict=True):
        # NumPy stores bfloat16 and its kin as bytes without a name.
        copy.assign(array.view(copy.dtype.as_numpy_dtype) if array.dtype.kind == "V" else array)


def _copies(variable):
    """Metrics are summed over replicas only when they are read: each has a sum of its own."""
    value = variable.value
    strategy = getattr(value, "distribute_strategy", None)
    if strategy is None or value.synchronization != tf.VariableSynchronization.ON_READ:
        return [value]
    return strategy.experimental_local_results(value)
