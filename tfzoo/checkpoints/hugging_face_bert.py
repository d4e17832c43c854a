"""BERT as Hugging Face `transformers` stores it.

It keeps kernels as (out, in) and the projections to queries, keys and values apart; `BertBackbone`
keeps them as (in, out) and the three side by side in one matrix.
"""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfzoo.checkpoints.hugging_face_bert_config import from_hugging_face, to_hugging_face
from tfzoo.checkpoints.hugging_face_words import require_same_names
from tfzoo.checkpoints.json_file import read_json_object, write_json_object
from tfzoo.checkpoints.stored_tensor import (
    JoinedTensors,
    StoredTensor,
    read_tensors,
    write_tensors,
)

CONFIG = "config.json"
PREFIX = "bert."
EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
TASK = "task/"
# Heads that a checkpoint may bring along, and what belongs to none.
PRETRAINING_HEADS = ("cls.predictions.", "cls.seq_relationship.")
OTHER_HEADS = ("classifier.", "qa_outputs.")
# Copies of the embeddings and of a bias under second names, and numbers that count to 511.
REPEATED = (
    "cls.predictions.decoder.weight",
    "cls.predictions.decoder.bias",
    "bert.embeddings.position_ids",
)
# Older versions took the paper's names.
OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}

BACKBONE = {
    "token_embedding": "bert.embeddings.word_embeddings",
    "position_embedding": "bert.embeddings.position_embeddings",
    "segment_embedding": "bert.embeddings.token_type_embeddings",
    "embedding_norm": "bert.embeddings.LayerNorm",
}
LAYERS = {
    "attention/output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward/expand": "intermediate.dense",
    "feed_forward/contract": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
FUSED = "attention/query_key_value"
SEPARATE = ("attention.self.query", "attention.self.key", "attention.self.value")
MASKED_LM = {
    "task/masked_lm_head/transform": "cls.predictions.transform.dense",
    "task/masked_lm_head/norm": "cls.predictions.transform.LayerNorm",
}
MASKED_LM_BIAS = ("task/masked_lm_head/bias", "cls.predictions.bias")
NEXT_SENTENCE = {"task/next_sentence_head": "cls.seq_relationship"}


def read(
    folder: str | os.PathLike,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, bool]]:
    """Reads a folder that `save_pretrained` of a BERT in `transformers` wrote.

    With or without the prefix `bert.`, the pooler, and heads; in one file or in shards; in
    float32, float16 or bfloat16. Heads of fine-tuned tasks are left out.

    Args:
        folder: holds `config.json`, and `model.safetensors` or its shards.

    Returns:
        `(config, weights, heads)`: arguments of `BertBackbone`; tensors by the paths of its
        variables, and behind `task/` those of `BertMaskedLM`, read when NumPy asks for them; and
        which of the heads `masked_lm` and `next_sentence` there are.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is broken, the network is not one that `BertBackbone` computes, or
            tensors are missing or left over.
    """
    folder = pathlib.Path(folder)
    config = from_hugging_face(read_json_object(folder / CONFIG), folder / CONFIG)
    return translate(folder, config, read_tensors(folder))


def translate(
    folder: pathlib.Path, config: dict[str, Any], tensors: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, bool]]:
    """Gives tensors under Hugging Face's names those of our variables; see `read`."""
    tensors = _without_variety(tensors)
    if REPEATED[0] in tensors and not np.array_equal(tensors[REPEATED[0]], tensors[EMBEDDINGS]):
        raise ValueError(
            f"{tensors[REPEATED[0]]} must equal the embeddings, to which BertMaskedLM ties its "
            "head, and it does not."
        )
    heads = {
        "masked_lm": MASKED_LM_BIAS[1] in tensors,
        "next_sentence": "cls.seq_relationship.bias" in tensors,
    }
    config = config | {"use_pooler": "bert.pooler.dense.bias" in tensors}
    names = _names(config["num_layers"], config["use_pooler"], **heads)
    expected = {name for parts in names.values() for name in parts}
    kept = {name: tensor for name, tensor in tensors.items() if name not in REPEATED}
    require_same_names(folder, kept, expected)
    weights = {
        path: _joined([_oriented(path, tensors[name]) for name in parts])
        for path, parts in names.items()
    }
    return config, weights, heads


def write(
    folder: str | os.PathLike,
    config: Mapping[str, Any],
    weights: Mapping[str, Any],
    padding_token_id: int = 0,
) -> None:
    """Writes what `from_pretrained` of `transformers` reads.

    Args:
        folder: an existing folder; `new_folder` makes one that appears whole.
        config: `get_config()` of a `BertBackbone`.
        weights: arrays by the paths of its variables, and behind `task/` those of `BertMaskedLM`,
            if its heads are to be written, too; they are written in their own precision.
        padding_token_id: id that fills rows.

    Raises:
        ValueError: if Hugging Face does not have such a network.
    """
    folder = pathlib.Path(folder)
    written = to_hugging_face(config)
    heads = {
        "masked_lm": MASKED_LM_BIAS[0] in weights,
        "next_sentence": "task/next_sentence_head/bias" in weights,
    }
    arrays = {}
    for path, names in _names(config["num_layers"], config["use_pooler"], **heads).items():
        parts = np.split(np.asarray(weights[path]), len(names), axis=-1)
        arrays |= {n: _oriented(path, part) for n, part in zip(names, parts, strict=True)}
    architecture = {
        (False, False): "BertModel",
        (True, False): "BertForMaskedLM",
        (True, True): "BertForPreTraining",
        (False, True): "BertForNextSentencePrediction",
    }[heads["masked_lm"], heads["next_sentence"]]
    written |= {"architectures": [architecture], "dtype": arrays[EMBEDDINGS].dtype.name}
    written["pad_token_id"] = padding_token_id
    write_tensors(folder, arrays)
    write_json_object(folder / CONFIG, written)


def _names(
    num_layers: int, use_pooler: bool, masked_lm: bool, next_sentence: bool
) -> dict[str, tuple[str, ...]]:
    """Path of each variable -> names of the tensors that are its columns."""
    layers = dict(BACKBONE)
    if use_pooler:
        layers["pooler"] = "bert.pooler.dense"
    for number in range(num_layers):
        for ours, theirs in LAYERS.items():
            layers[f"block_{number}/{ours}"] = f"bert.encoder.layer.{number}.{theirs}"
    layers |= MASKED_LM if masked_lm else {}
    layers |= NEXT_SENTENCE if next_sentence else {}
    names = {}
    for ours, theirs in layers.items():
        for variable, tensor in _parts_of(ours):
            names[f"{ours}/{variable}"] = (f"{theirs}.{tensor}",)
    for number in range(num_layers):
        for variable, tensor in _parts_of(FUSED):
            names[f"block_{number}/{FUSED}/{variable}"] = tuple(
                f"bert.encoder.layer.{number}.{part}.{tensor}" for part in SEPARATE
            )
    if masked_lm:
        names[MASKED_LM_BIAS[0]] = (MASKED_LM_BIAS[1],)
    return names


def _parts_of(layer: str) -> list[tuple[str, str]]:
    """What a layer of ours holds, and Hugging Face's words for it."""
    if layer.endswith("embedding"):
        return [("embeddings", "weight")]
    return [("scale" if layer.endswith("norm") else "kernel", "weight"), ("bias", "bias")]


def _without_variety(tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The tensors under the names of today, with the prefix and without heads of other tasks."""
    found = {}
    for name, tensor in tensors.items():
        for old, new in OLD_NAMES.items():
            name = name.replace(old, new)
        if name.startswith(OTHER_HEADS):
            continue
        has_prefix = name.startswith((PREFIX, *PRETRAINING_HEADS))
        found[name if has_prefix else PREFIX + name] = tensor
    return found


def _oriented(path: str, tensor: Any) -> Any:
    return tensor.T if path.endswith("/kernel") else tensor


def _joined(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else JoinedTensors(tuple(parts))
