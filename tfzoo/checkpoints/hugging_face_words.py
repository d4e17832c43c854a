"""Words that every `config.json` of Hugging Face shares, and ours."""

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

# Ours -> Hugging Face's names of the same function, the first of which is written.
ACTIVATIONS = {
    "tfzoo>gelu_approximate": (
        "gelu_new",
        "gelu_pytorch_tanh",
        "gelu_python_tanh",
        "gelu_fast",
        "gelu_accurate",
    ),
    "tfzoo>relu_squared": ("relu2",),
    "gelu": ("gelu", "gelu_python"),
    "relu": ("relu",),
    "relu6": ("relu6",),
    "silu": ("silu", "swish"),
    "tanh": ("tanh",),
    "sigmoid": ("sigmoid",),
    "linear": ("linear",),
}
OURS = {theirs: ours for ours, names in ACTIVATIONS.items() for theirs in names}


def activation_of(
    found: Mapping[str, Any], key: str, default: str, source: pathlib.Path
) -> str | dict[str, str]:
    """Reads an activation in the form in which `keras.activations.get` finds it."""
    activation = found.get(key, default)
    if activation not in OURS:
        raise ValueError(
            f"{source} must have an {key} among {', '.join(sorted(OURS))}; received {activation!r}."
        )
    return _serialized(OURS[activation])


def their_activation(activation: str | Mapping[str, str]) -> str:
    """Hugging Face's name of a serialized activation of ours."""
    name = activation["config"] if isinstance(activation, Mapping) else activation
    if name not in ACTIVATIONS:
        raise ValueError(
            f"`activation` must be one that Hugging Face has, {', '.join(ACTIVATIONS)}; received "
            f"{name!r}. Save the model as a preset instead."
        )
    return ACTIVATIONS[name][0]


def size_of(found: Mapping[str, Any], key: str, source: pathlib.Path) -> int:
    """Reads a number that counts something."""
    size = found.get(key)
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"{source} must have {key}, an integer above 0; received {size!r}.")
    return size


def require_same_names(
    folder: pathlib.Path, tensors: Mapping[str, Any], expected: Iterable[str]
) -> None:
    """Raises a `ValueError` unless a folder has the tensors that its config calls for."""
    expected = set(expected)
    missing = sorted(expected - tensors.keys())
    if missing:
        raise ValueError(
            f"{folder} lacks {len(missing)} of the {len(expected)} tensors that its config calls "
            f"for; the first is {missing[0]!r}."
        )
    unexpected = sorted(tensors.keys() - expected)
    if unexpected:
        raise ValueError(
            f"{folder} has {len(unexpected)} tensors more than its config calls for; the first is "
            f"{tensors[unexpected[0]]}."
        )


def _serialized(activation: str) -> Any:
    """The form in which `keras.activations.get` finds a function of ours by its name."""
    if ">" not in activation:
        return activation
    kind = "function"
    return dict(module="builtins", class_name=kind, config=activation, registered_name=kind)
