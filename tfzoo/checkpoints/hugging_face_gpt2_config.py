"""The words of a GPT-2 `config.json` of Hugging Face, and ours."""

import pathlib
import warnings
from collections.abc import Mapping
from typing import Any

from tfzoo.checkpoints.hugging_face_words import activation_of, size_of, their_activation

MODEL_TYPE = "gpt2"
# Hugging Face's name of a size -> ours
SIZES = {
    "vocab_size": "vocabulary_size",
    "n_layer": "num_layers",
    "n_head": "num_heads",
    "n_embd": "hidden_dim",
    "n_positions": "max_sequence_length",
}
DROPOUTS = ("resid_pdrop", "embd_pdrop", "attn_pdrop")
DEFAULT_DROPOUT = 0.1
# What `GPTBackbone` computes. Another value is another network.
FIXED = {
    "layer_norm_epsilon": 1e-5,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "reorder_and_upcast_attn": False,
    "add_cross_attention": False,
}
# Arguments of `GPTBackbone` with which it is GPT-2.
PLAIN = {
    "rotary": False,
    "rms_norm": False,
    "normalize_queries_and_keys": False,
    "logit_soft_cap": None,
}


def from_hugging_face(found: Mapping[str, Any], source: pathlib.Path) -> dict[str, Any]:
    """Translates a `config.json` into the arguments of `GPTBackbone`.

    Args:
        found: what the file holds; a missing choice has the value that `transformers` gives it.
        source: the file, for errors.

    Returns:
        Arguments of `GPTBackbone`, as JSON values.

    Raises:
        ValueError: if it is not a GPT-2, or not one that `GPTBackbone` computes.
    """
    if found.get("model_type") != MODEL_TYPE:
        raise ValueError(
            f"{source} must have model_type {MODEL_TYPE!r}; received {found.get('model_type')!r}."
        )
    for key, expected in FIXED.items():
        if found.get(key, expected) != expected:
            raise ValueError(
                f"{source} has {key} {found[key]!r}, which GPTBackbone does not compute: only "
                f"{expected!r} can be loaded."
            )
    activation = activation_of(found, "activation_function", "gelu_new", source)
    config = {ours: size_of(found, theirs, source) for theirs, ours in SIZES.items()}
    if found.get("n_inner") is not None:
        config["intermediate_dim"] = size_of(found, "n_inner", source)
    config["dropout"] = _dropout(found, source)
    config["activation"] = activation
    config["tie_embeddings"] = bool(found.get("tie_word_embeddings", True))
    return config


def to_hugging_face(config: Mapping[str, Any]) -> dict[str, Any]:
    """Translates `get_config()` of a `GPTBackbone` into what `transformers` expects.

    Args:
        config: arguments of `GPTBackbone`, all of them.

    Returns:
        Values for `config.json`.

    Raises:
        ValueError: if the backbone is not GPT-2.
    """
    for name, expected in PLAIN.items():
        if (config[name] or None) != (expected or None):
            raise ValueError(
                f"Only a backbone with `{name}` {expected!r} is a GPT-2 that Hugging Face can "
                f"load; received {config[name]!r}. Save it as a preset instead."
            )
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": MODEL_TYPE,
        **{theirs: config[ours] for theirs, ours in SIZES.items()},
        "n_inner": config["intermediate_dim"],
        "activation_function": their_activation(config["activation"]),
        **dict.fromkeys(DROPOUTS, config["dropout"]),
        **FIXED,
        "tie_word_embeddings": config["tie_embeddings"],
    }


def _dropout(found: Mapping[str, Any], source: pathlib.Path) -> float:
    rates = [found.get(key, DEFAULT_DROPOUT) for key in DROPOUTS]
    if len(set(rates)) > 1:
        warnings.warn(
            f"{source} has the dropout rates {dict(zip(DROPOUTS, rates, strict=True))} where "
            f"GPTBackbone has one: {rates[0]} is taken. Pass `dropout=` to choose another.",
            stacklevel=2,
        )
    return rates[0]
