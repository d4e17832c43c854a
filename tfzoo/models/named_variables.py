"""The variables of a model under names that outlive it."""

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

TASK_PREFIX = "task/"


def backbone_variables(backbone: keras.Model) -> dict[str, keras.Variable]:
    """Variables by their paths within the backbone, whatever scopes it was made in."""
    paths = [variable.path for variable in backbone.weights]
    scope = posixpath.commonpath(paths)
    names = [path.removeprefix(scope).lstrip("/") for path in paths]
    return _unique(zip(names, backbone.weights, strict=True))


def task_variables(task: keras.Model) -> dict[str, keras.Variable]:
    """Variables that a task adds to its backbone's, by `task/` and their paths.

    Those of a network among the task's parts stand behind the part's name, by their paths within
    it, whatever the network itself is called.
    """
    networks = {
        name: part
        for name in task.PARTS
        if name != "backbone" and isinstance(part := getattr(task, name), keras.Model)
    }
    inherited = {id(variable) for variable in task.backbone.weights} if task.backbone else set()
    inherited |= {id(variable) for part in networks.values() for variable in part.weights}
    own = [variable for variable in task.weights if id(variable) not in inherited]
    pairs = [(TASK_PREFIX + variable.path, variable) for variable in own]
    for name, part in networks.items():
        variables = backbone_variables(part)
        pairs += [(f"{TASK_PREFIX}{name}/{path}", variables[path]) for path in variables]
    return _unique(pairs)


def arrays(variables: Mapping[str, keras.Variable]) -> dict[str, np.ndarray]:
    """The numbers of variables, in the same memory where they lie whole on the CPU."""
    return {name: _array(variable) for name, variable in variables.items()}


def assign(variables: Mapping[str, keras.Variable], tensors: Mapping[str, Any], source: Any):
    """Fills variables one by one, after all have been found to fit.

    Args:
        variables: by name.
        tensors: arrays, or tensors in files, by the same names.
        source: where the tensors are from, for errors.

    Raises:
        ValueError: if a tensor is missing, left over or of another shape.
    """
    missing = sorted(variables.keys() - tensors.keys())
    if missing:
        raise ValueError(
            f"{source} lacks {len(missing)} of the model's {len(variables)} tensors; the first is "
            f"{missing[0]!r}."
        )
    unexpected = sorted(tensors.keys() - variables.keys())
    if unexpected:
        raise ValueError(
            f"{source} has {len(unexpected)} tensors that the model has no variable for; the first "
            f"is {unexpected[0]!r}."
        )
    for name, variable in variables.items():
        if tuple(tensors[name].shape) != tuple(variable.shape):
            raise ValueError(
                f"{name!r} must have shape {tuple(variable.shape)} as the model's config says; "
                f"received shape {tuple(tensors[name].shape)} from {tensors[name]}."
            )
    for name, variable in variables.items():
        variable.assign(np.asarray(tensors[name]))


def _array(variable):
    if isinstance(variable.value, tf.experimental.dtensor.DVariable):
        return variable.numpy()  # gathered from several devices
    return np.asarray(keras.ops.convert_to_tensor(variable))


def _unique(pairs: Iterable[tuple[str, keras.Variable]]) -> dict[str, keras.Variable]:
    variables = {}
    for name, variable in pairs:
        if name in variables:
            raise ValueError(
                f"Variables must have different paths to be saved; received two of the path "
                f"{name!r}. Give their layers different names."
            )
        variables[name] = variable
    return variables
