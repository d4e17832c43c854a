"""A model in a folder: `config.json`, `model.safetensors` and the files of its tokenizer.

Safetensors rather than Keras's HDF5: tensors are found by name, read one at a time, a truncated
file is known as such before anything is built, and every framework reads them.
"""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from tfzoo.checkpoints import google_bert, hugging_face_bert, hugging_face_gpt2
from tfzoo.checkpoints.json_file import read_json_object, write_json_object
from tfzoo.checkpoints.stored_tensor import read_tensors, write_tensors

CONFIG = "config.json"
FORMAT = "tfzoo"
FORMAT_VERSION = 1
BYTE_PAIR_FILES = ("tokenizer.json", "vocab.json", "merges.txt")
WORD_PIECE_FILES = ("tokenizer.json", "vocab.txt")


@dataclasses.dataclass(frozen=True)
class Preset:
    """What a folder says of a model.

    A part is `{"class": ..., "config": ...}`: the name under which the class is registered with
    Keras, and its constructor's arguments as JSON values, without the parts that stand here.

    Args:
        backbone: the network, or None for a task that holds all of its networks itself.
        weights: arrays by the paths of the backbone's variables; a task's own variables have
            `task/` in front.
        task: optional, the objective.
        preprocessor: optional.
        tokenizer: optional; its files lie in the same folder and are its own business.
    """

    backbone: dict[str, Any] | None
    weights: Mapping[str, Any]
    task: dict[str, Any] | None = None
    preprocessor: dict[str, Any] | None = None
    tokenizer: dict[str, Any] | None = None


PARTS = ("task", "backbone", "preprocessor", "tokenizer")


def read_preset(folder: str | os.PathLike) -> Preset:
    """Reads what `write_preset` wrote, a GPT-2 or BERT of Hugging Face, or Google's BERT.

    Args:
        folder: holds `config.json` and `model.safetensors`, or what Hugging Face has.

    Returns:
        A `Preset`, its weights in their files until NumPy asks for them.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is broken or of another kind.
    """
    folder = pathlib.Path(folder)
    if folder.suffix == ".keras" and folder.is_file():
        raise ValueError(
            f"`folder` must be one that `save_to_preset` wrote; received {folder}, a model in one "
            "file. Load it with `keras.saving.load_model`, and call its `save_to_preset`."
        )
    if google_bert.is_google_bert(folder):
        return _bert_preset(folder, *google_bert.read(folder))
    config = read_json_object(folder / CONFIG)
    if config.get("model_type") in HUGGING_FACE:
        return HUGGING_FACE[config["model_type"]](folder)
    if config.get("format") != FORMAT:
        raise ValueError(
            f"{folder / CONFIG} must belong to a preset of tfzoo, or to a Hugging Face model with "
            f"model_type {' or '.join(map(repr, HUGGING_FACE))}; received model_type "
            f"{config.get('model_type')!r}."
        )
    if config.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{folder / CONFIG} must have format_version {FORMAT_VERSION}; received "
            f"{config.get('format_version')!r}. Load it with the release of tfzoo that wrote it."
        )
    parts = {name: config.get(name) for name in PARTS}
    for name, part in parts.items():
        _require_part(folder / CONFIG, name, part, parts["task"] is not None)
    return Preset(weights=read_tensors(folder), **parts)


def write_preset(folder: str | os.PathLike, preset: Preset) -> None:
    """Writes a preset, all but the tokenizer's own files.

    Args:
        folder: an existing folder; `new_folder` makes one that appears whole.
        preset: the model; its weights are written in their own precision.
    """
    folder = pathlib.Path(folder)
    parts = {name: getattr(preset, name) for name in PARTS}
    write_tensors(folder, preset.weights)
    write_json_object(
        folder / CONFIG, {"format": FORMAT, "format_version": FORMAT_VERSION, **parts}
    )


def _read_hugging_face_gpt2(folder: pathlib.Path) -> Preset:
    config, weights = hugging_face_gpt2.read(folder)
    backbone = {"class": "tfzoo>GPTBackbone", "config": config}
    task = {"class": "tfzoo>GPTCausalLM", "config": {}}
    if not any((folder / name).exists() for name in BYTE_PAIR_FILES):
        return Preset(backbone, weights, task)
    length = {"sequence_length": config["max_sequence_length"]}
    return Preset(
        backbone,
        weights,
        task,
        preprocessor={"class": "tfzoo>CausalLMPreprocessor", "config": length},
        tokenizer={"class": "tfzoo>BytePairTokenizer"},
    )


def _read_hugging_face_bert(folder: pathlib.Path) -> Preset:
    return _bert_preset(folder, *hugging_face_bert.read(folder))


def _bert_preset(folder, config, weights, heads) -> Preset:
    backbone = {"class": "tfzoo>BertBackbone", "config": config}
    task = None
    if heads["masked_lm"]:
        task = {
            "class": "tfzoo>BertMaskedLM",
            "config": {"next_sentence": heads["next_sentence"]},
        }
    if not any((folder / name).exists() for name in WORD_PIECE_FILES):
        return Preset(backbone, weights, task)
    length = {"sequence_length": config["max_sequence_length"]}
    return Preset(
        backbone,
        weights,
        task,
        preprocessor={
            "class": "tfzoo>MaskedLMPreprocessor",
            "config": length | {"next_sentence": heads["masked_lm"] and heads["next_sentence"]},
        },
        tokenizer={"class": "tfzoo>WordPieceTokenizer"},
    )


# Model types of Hugging Face that can be read.
HUGGING_FACE = {"gpt2": _read_hugging_face_gpt2, "bert": _read_hugging_face_bert}


def _require_part(path: pathlib.Path, name: str, part: Any, has_task: bool) -> None:
    if part is None and (has_task or name != "backbone"):
        return
    if not isinstance(part, dict) or not isinstance(part.get("class"), str):
        raise ValueError(f"{path} must have a `{name}` with a `class`; received {part!r:.80}.")
    if not isinstance(part.get("config", {}), dict):
        raise ValueError(f"{path} must have a `config` object in `{name}`; received {part!r:.80}.")
