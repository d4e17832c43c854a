"""From a task to a bundle: numbered versions of a SavedModel, and a file that says what it is."""

import inspect
import os
import pathlib
from importlib import metadata

import keras
import tensorflow as tf

from tfzoo.checkpoints import new_folder
from tfzoo.checkpoints.json_file import read_json_object, write_json_object
from tfzoo.export.saved_model import defaults_of, write_saved_model
from tfzoo.export.small_weights import require_kind
from tfzoo.export.warm_up import write_warm_up
from tfzoo.models import merge_lora

DESCRIPTION = "tfzoo.json"
FORMAT = 1


def export_bundle(
    task: keras.Model,
    folder: str | os.PathLike,
    version: int | None = None,
    *,
    weights: str | None = None,
) -> pathlib.Path:
    """Writes a task as the next version of a bundle, which TensorFlow Serving runs as it is.

    `folder/1/` is what `tfzoo.export` writes, with a request for each signature that a server sends
    to itself before it is ready, `folder/2/` a later version of the same model, and so on.
    `folder/tfzoo.json` tells people and servers what goes in and comes out: of each signature the
    inputs with dtype, shape, default and description, and the outputs. Each request is tried out
    on the written model first.

    Args:
        task: a `Task`; one that reads texts needs a preprocessor.
        folder: path of the bundle, new or with earlier versions.
        version: int >= 1; by default one more than the highest that is there.
        weights: "float16" or "int8" stores them in a half or a quarter of the room; the arithmetic
            stays what it is. Each signature's numbers are then compared with the live model's.

    Returns:
        The path of the new version, which appears whole or not at all.

    Raises:
        FileExistsError: if there is such a version.
        ValueError: if the folder holds something else or versions of another model, the task reads
            texts and has no preprocessor, or small weights change an output by more than 1 % of the
            largest (with "int8" 10 %).

    Example:
        ```python
        import tfzoo

        preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(
            tfzoo.preprocessing.ByteTokenizer(), sequence_length=32
        )
        backbone = tfzoo.models.GPTBackbone(257, num_layers=1, num_heads=2, hidden_dim=16)
        model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
        print(tfzoo.export_bundle(model, "bundle"))
        ```
    """
    folder = pathlib.Path(folder)
    if version is None:
        version = 1 + max((int(path.name) for path in _versions(folder)), default=0)
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"`version` must be an int, 1 or more; received {version!r}.")
    require_kind(weights)
    task = merge_lora(task)
    _require_same_model(folder, task)
    place = folder / str(version)
    with new_folder(place) as aside:
        write_saved_model(task, aside, weights)
        model = tf.saved_model.load(os.fspath(aside))
        write_warm_up(task, model.signatures, aside, weights)
        # Before the version appears: who sees it can already read what it is.
        beside = folder / f".{DESCRIPTION}.{aside.name}"
        write_json_object(beside, describe(task, model.signatures))
        os.replace(beside, folder / DESCRIPTION)
    return place


def describe(task: keras.Model, signatures) -> dict:
    """What `tfzoo.json` says, for a task and the signatures of its SavedModel."""
    functions = task.serving_functions()
    names = getattr(task, "class_names", None) or getattr(task, "entity_names", None)
    limit = getattr(task.backbone, "max_sequence_length", None)
    is_limited = limit is not None and not getattr(task, "long_documents", None)
    return {
        **identity(task),
        "default_signature": next(iter(functions)),
        "signatures": {
            name: _signature(task, *served, signatures[name]) for name, served in functions.items()
        },
        "limits": limits(task, limit if is_limited else None),
        **({"class_names": list(names)} if names else {}),
        "versions": versions(),
    }


def identity(task: keras.Model) -> dict:
    """What a `tfzoo.json` begins with."""
    return {"format": FORMAT, "model": type(task).__name__, "task": task.SERVES}


def limits(task: keras.Model, max_sequence_length: int | None) -> dict:
    """Of the numbers that a model takes: tokens of a row, classes of a GAN; these have no names."""
    found = {
        "max_sequence_length": max_sequence_length,
        "num_classes": getattr(task, "num_classes", None),
    }
    return {name: limit for name, limit in found.items() if limit}


def versions(*packages: str) -> dict:
    """With which versions an export was made."""
    return {name: metadata.version(name) for name in ("tfzoo", "tensorflow", "keras", *packages)}


def _signature(task, function, inputs, signature):
    defaults = defaults_of(function, inputs)
    described = {spec.name: description(spec) for spec in inputs}
    for name, value in described.items():
        value |= {"default": defaults[name]} if name in defaults else {}
        value |= {"description": task.INPUTS[name]} if name in task.INPUTS else {}
    return {
        "description": inspect.getdoc(function).partition("\n")[0],
        "inputs": described,
        "outputs": {name: description(spec) for name, spec in signature.structured_outputs.items()},
    }


def description(spec) -> dict:
    """Dtype and shape of an input or output; an axis of any length is null."""
    return {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}


def _versions(folder):
    return [path for path in folder.glob("*") if path.name.isdecimal() and path.is_dir()]


def _require_same_model(folder, task):
    path = folder / DESCRIPTION
    if not path.exists():
        _require_nothing_else(folder)
        return
    model = read_json_object(path).get("model")
    if model != type(task).__name__:
        raise ValueError(
            f"`folder` must be a new bundle or one of a {type(task).__name__}; received {folder}, "
            f"which holds versions of a {model}. Choose another folder."
        )


def _require_nothing_else(folder):
    # What a writer that was killed left aside is hidden.
    names = [path.name for path in folder.glob("*") if not path.name.startswith(".")]
    if names and not _versions(folder):
        raise ValueError(
            f"`folder` must be a new or empty folder, or a bundle; received {folder}, which holds "
            f"{min(names)} and no numbered version. Choose another folder."
        )
