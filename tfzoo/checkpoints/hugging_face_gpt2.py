"""GPT-2 as Hugging Face `transformers` stores it.

Both sides fuse the projections to queries, keys and values and keep kernels as (in, out), so that
all tensors but an untied head are the same arrays under other names.
"""

import os
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfzoo.checkpoints.hugging_face_gpt2_config import from_hugging_face, to_hugging_face
from tfzoo.checkpoints.hugging_face_words import require_same_names
from tfzoo.checkpoints.json_file import read_json_object, write_json_object
from tfzoo.checkpoints.stored_tensor import StoredTensor, read_tensors, write_tensors

CONFIG = "config.json"
PREFIX = "transformer."
EMBEDDINGS = "transformer.wte.weight"
HEAD = "lm_head.weight"
# Causal masks, which old versions stored as if they were weights.
MASK = re.compile(r"\.attn\.(bias|masked_bias)$")

LAYERS = {
    "attention_norm": "ln_1",
    "attention/query_key_value": "attn.c_attn",
    "attention/output": "attn.c_proj",
    "feed_forward_norm": "ln_2",
    "feed_forward/expand": "mlp.c_fc",
    "feed_forward/contract": "mlp.c_proj",
}


def read(folder: str | os.PathLike) -> tuple[dict[str, Any], dict[str, StoredTensor]]:
    """Reads a folder that `save_pretrained` of a GPT-2 in `transformers` wrote.

    With or without the prefix `transformer.`, the tied head, and the causal masks that old
    versions stored; in one file or in shards; in float32, float16 or bfloat16.

    Args:
        folder: holds `config.json`, and `model.safetensors` or its shards.

    Returns:
        `(config, weights)`: arguments of `GPTBackbone`, and tensors by the paths of its
        variables, read when NumPy asks for them.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is broken, the network is not one that `GPTBackbone` computes, or
            tensors are missing or left over.
    """
    folder = pathlib.Path(folder)
    config = from_hugging_face(read_json_object(folder / CONFIG), folder / CONFIG)
    tensors = _tensors(folder)
    if config["tie_embeddings"] and {EMBEDDINGS, HEAD} <= tensors.keys():
        # `transformers`, too, believes the tensors rather than the config.
        config["tie_embeddings"] = np.array_equal(tensors[EMBEDDINGS], tensors[HEAD])
    if config["tie_embeddings"]:
        tensors.pop(HEAD, None)

    names = _names(config["num_layers"], config["tie_embeddings"])
    require_same_names(folder, tensors, names.values())
    weights = {path: tensors[name] for path, name in names.items()}
    if not config["tie_embeddings"]:
        weights["head/kernel"] = weights["head/kernel"].T
    return config, weights


def write(
    folder: str | os.PathLike,
    config: Mapping[str, Any],
    weights: Mapping[str, Any],
    start_token_id: int | None = None,
    end_token_id: int | None = None,
) -> None:
    """Writes what `GPT2LMHeadModel.from_pretrained` of `transformers` reads.

    Args:
        folder: an existing folder; `new_folder` makes one that appears whole.
        config: `get_config()` of a `GPTBackbone`.
        weights: arrays by the paths of its variables; they are written in their own precision.
        start_token_id: optional id that texts start with.
        end_token_id: optional id that texts end with.

    Raises:
        ValueError: if the backbone is not GPT-2.
    """
    folder = pathlib.Path(folder)
    written = to_hugging_face(config)
    names = _names(config["num_layers"], config["tie_embeddings"])
    arrays = {name: np.asarray(weights[path]) for path, name in names.items()}
    if HEAD in arrays:
        arrays[HEAD] = arrays[HEAD].T
    written |= {
        "bos_token_id": start_token_id,
        "eos_token_id": end_token_id,
        "dtype": arrays[EMBEDDINGS].dtype.name,
    }
    write_tensors(folder, arrays)
    write_json_object(folder / CONFIG, written)


def _names(num_layers: int, tie_embeddings: bool) -> dict[str, str]:
    """Path of each variable of a `GPTBackbone` -> name of the tensor."""
    norms, dense = ("scale", "bias"), ("kernel", "bias")
    names = {
        "token_embedding/embeddings": EMBEDDINGS,
        "position_embedding/embeddings": "transformer.wpe.weight",
    }
    layers = {"final_norm": "transformer.ln_f"}
    for number in range(num_layers):
        for ours, theirs in LAYERS.items():
            layers[f"block_{number}/{ours}"] = f"transformer.h.{number}.{theirs}"
    for ours, theirs in layers.items():
        weight, bias = norms if ours.endswith("norm") else dense
        names |= {f"{ours}/{weight}": f"{theirs}.weight", f"{ours}/{bias}": f"{theirs}.bias"}
    return names if tie_embeddings else {**names, "head/kernel": HEAD}


def _tensors(folder: pathlib.Path) -> dict[str, StoredTensor]:
    """The folder's tensors, with the prefix and without masks."""
    tensors = {}
    for name, tensor in read_tensors(folder).items():
        if not MASK.search(name):
            tensors[name if name.startswith((PREFIX, HEAD)) else PREFIX + name] = tensor
    return tensors
