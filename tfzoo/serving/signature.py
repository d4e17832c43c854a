"""What a version says of itself: its signatures, from the SavedModel and from `tfzoo.json`."""

import dataclasses
import functools
import json
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

FORMAT = 1
DEFAULT = "serving_default"


@dataclasses.dataclass(frozen=True)
class Spec:
    """An input or an output: `shape` holds None for any size, or is None where the rank is open."""

    name: str
    dtype: tf.DType
    shape: tuple[int | None, ...] | None
    default: Any = None

    def __str__(self):
        shape = "?" if self.shape is None else json.dumps(self.shape)
        return f"{self.name} {self.dtype.name} {shape}"

    @property
    def has_rows(self):
        """Whether its first dimension has any size: that of the batch."""
        return bool(self.shape) and self.shape[0] is None


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function of a SavedModel."""

    name: str
    inputs: dict[str, Spec]
    outputs: dict[str, Spec]

    def __str__(self):
        return f"signature {self.name!r} with inputs {', '.join(map(str, self.inputs.values()))}"

    @functools.cached_property
    def rows(self) -> tuple[str, ...]:
        """Names of inputs with a row for each example."""
        return tuple(name for name, spec in self.inputs.items() if spec.has_rows)

    @functools.cached_property
    def settings(self) -> tuple[str, ...]:
        """Names of inputs that hold for all rows of a request."""
        return tuple(name for name in self.inputs if name not in self.rows)

    @functools.cached_property
    def keeps_rows_apart(self) -> bool:
        """Whether rows of several requests can be computed together, and told apart again.

        An output with another open dimension is as wide as the widest row of its batch: beside
        others a request would get more padding than alone.
        """
        return bool(self.rows) and all(
            spec.has_rows and None not in spec.shape[1:] for spec in self.outputs.values()
        )

    @property
    def writes(self) -> bool:
        """Whether the model goes on with a text, token by token."""
        return "max_new_tokens" in self.inputs

    def draws(self, inputs: dict) -> bool:
        """Whether random numbers are drawn, which depend on the size of the batch."""
        return "seed" in self.inputs and bool(np.any(inputs.get("temperature", 1) != 0))


@dataclasses.dataclass(frozen=True)
class Description:
    """All that a version says of itself.

    Args:
        signatures: by name.
        default: name of the signature that a request without a name means.
        protos: `SignatureDef` by name, for `/metadata`.
        task: as in `tfzoo.json`; None where there is none.
        class_names: of a classifier.
        compiled: whether XLA compiles parts of it, once for each size of a batch.
        limits: as in `tfzoo.json`.
    """

    signatures: dict[str, Signature]
    default: str
    protos: dict
    task: str | None
    class_names: tuple[str, ...]
    compiled: bool
    limits: dict = dataclasses.field(default_factory=dict)


def describe(folder: pathlib.Path) -> Description:
    """Reads what the SavedModel in `folder`, and `tfzoo.json` beside it, say.

    Raises:
        ValueError: if one of them cannot be read.
    """
    graph = _read_graph(folder / "saved_model.pb")
    found = sorted(graph.signature_def.items())
    protos = {name: d for name, d in found if not name.startswith("__")}
    if not protos:
        raise ValueError(f"{folder} must have a signature; it has none.")
    notes = _read_notes(folder.parent / "tfzoo.json")
    noted = notes.get("signatures", {})
    default = notes.get("default_signature", DEFAULT)
    noted = {DEFAULT: noted.get(default, {}), **noted}
    return Description(
        {name: _signature(name, d, noted.get(name, {})) for name, d in protos.items()},
        next((name for name in (DEFAULT, default) if name in protos), min(protos)),
        protos,
        notes.get("task"),
        tuple(notes.get("class_names") or ()),
        any(f.attr["_XlaMustCompile"].b for f in graph.graph_def.library.function),
        notes.get("limits") or {},
    )


def _read_graph(path):
    proto = saved_model_pb2.SavedModel()
    try:
        proto.ParseFromString(path.read_bytes())
        return next(graph for graph in proto.meta_graphs if "serve" in graph.meta_info_def.tags)
    except Exception as error:
        raise ValueError(
            f"{path} must be a SavedModel for serving; it is none ({error})."
        ) from None


def _read_notes(path):
    if not path.exists():
        return {}
    try:
        notes = json.loads(path.read_text())
        version = notes["format"]
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{path} must be JSON with a `format`; export the bundle again.") from None
    if version != FORMAT:
        raise ValueError(f"{path} must be of format {FORMAT}; received {version!r}.")
    return notes


def _signature(name, proto, notes):
    defaults = {key: value.get("default") for key, value in notes.get("inputs", {}).items()}
    for key, value in proto.defaults.items():
        defaults.setdefault(key, tf.make_ndarray(value).tolist())
    inputs = {key: _spec(key, info, defaults.get(key)) for key, info in proto.inputs.items()}
    outputs = {key: _spec(key, info) for key, info in proto.outputs.items()}
    return Signature(name, dict(sorted(inputs.items())), dict(sorted(outputs.items())))


def _spec(name, info, default=None):
    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(None if d.size < 0 else d.size for d in shape.dim)
    return Spec(name, tf.dtypes.as_dtype(info.dtype), sizes, default)
