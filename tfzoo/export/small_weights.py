"""Weights that take half or a quarter of the room in a SavedModel, and what that costs.

All arithmetic stays what it is: weights are read once in each call, and become floats of the
network's own precision before anything is multiplied.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

# The largest error of any number that the model puts out, over the largest such number (or 1).
TOLERANCES = {"float16": 0.01, "int8": 0.1}


class SmallWeights(tf.Module):
    """The weights of a task, rounded.

    Args:
        task: a `Task`.
        kind: "float16" rounds to 11 binary digits. "int8" rounds matrices to 255 levels, with one
            scale for each row or each column, whichever is nearer; vectors keep their precision.
    """

    def __init__(self, task, kind):
        super().__init__()
        floats = [variable for variable in task.variables if "float" in variable.dtype]
        self._variables = floats
        self._parts = [
            tuple(tf.Variable(part, trainable=False) for part in small(variable.numpy(), kind))
            for variable in floats
        ]

    def served(self, task, function):
        """The function with these weights instead of the task's own."""

        @functools.wraps(function)
        def with_small_weights(*inputs):
            scope = keras.StatelessScope()
            for variable, parts in zip(self._variables, self._parts, strict=True):
                scope.add_update((variable, large(parts, variable.dtype)))
            # Graphs within have the weights that they were made with.
            with scope, task.fresh_graphs():
                return function(*inputs)

        return with_small_weights


def small(array, kind) -> tuple:
    """An array as it is stored: rounded, or as whole numbers and their scales."""
    if kind == "float16":
        with np.errstate(over="ignore"):  # what becomes infinite is found by the comparison
            return (array.astype("float16"),)
    if array.ndim < 2:
        return (array,)
    candidates = [_int8(array, axis) for axis in range(array.ndim)]
    errors = [np.square(levels * scales - array).sum() for levels, scales in candidates]
    return candidates[int(np.argmin(errors))]


def large(parts, dtype):
    """The tensor that `small` stored."""
    levels, *scales = (tf.convert_to_tensor(part) for part in parts)
    if not scales:
        return tf.cast(levels, dtype)
    return tf.cast(tf.cast(levels, scales[0].dtype) * scales[0], dtype)


def _int8(array, axis):
    """Whole numbers in [-127, 127], and a scale for each place along an axis."""
    others = tuple(other for other in range(array.ndim) if other != axis)
    scales = np.abs(array).max(axis=others, keepdims=True).astype("float32") / 127
    scales[scales == 0] = 1
    return np.rint(array / scales).astype("int8"), scales


def require_kind(weights) -> None:
    """Raises a `ValueError` unless `weights` is None or one of the kinds."""
    if weights not in (None, *TOLERANCES):
        known = " or ".join(map(repr, TOLERANCES))
        raise ValueError(f"`weights` must be None, {known}; received {weights!r}.")


def require_near(outputs: dict, live: dict, name: str, kind: str) -> None:
    """Raises a `ValueError` unless a signature's floats are those of the live model, nearly."""
    for key, expected in live.items():
        if not expected.dtype.is_floating:
            continue
        error = largest_error(outputs[key], expected)
        if not error <= TOLERANCES[kind]:  # NaN is not
            raise ValueError(
                f"`weights` must leave what the model says within {TOLERANCES[kind]:.0%}; with "
                f"{kind!r} the error of {name}'s {key} is {error:.1%}. Nothing was written: leave "
                "`weights` out."
            )


def largest_error(found, expected) -> float:
    """The largest error of floats, over the largest of the expected numbers, or 1."""
    expected, found = (np.asarray(tf.cast(x, tf.float32)) for x in (expected, found))
    if found.shape != expected.shape:
        return np.inf
    return np.abs(found - expected).max(initial=0) / np.abs(expected).max(initial=1)
