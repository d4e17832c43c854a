"""The words of a BERT `config.json` of Hugging Face, and ours."""

import pathlib
from collections.abc import Mapping
from typing import Any

from tfzoo.checkpoints.hugging_face_words import activation_of, size_of, their_activation

MODEL_TYPE = "bert"
# Hugging Face's name of a size -> ours
SIZES = {
    "vocab_size": "vocabulary_size",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "hidden_size": "hidden_dim",
    "intermediate_size": "intermediate_dim",
    "max_position_embeddings": "max_sequence_length",
    "type_vocab_size": "num_segments",
}
# Hugging Face's name of a number -> ours, and its default
NUMBERS = {
    "hidden_dropout_prob": ("dropout", 0.1),
    "attention_probs_dropout_prob": ("attention_dropout", 0.1),
    "layer_norm_eps": ("layer_norm_epsilon", 1e-12),
}
# What `BertBackbone` computes. Another value is another network.
FIXED = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}


def from_hugging_face(found: Mapping[str, Any], source: pathlib.Path) -> dict[str, Any]:
    """Translates a `config.json`, or Google's `bert_config.json`, for `BertBackbone`.

    Args:
        found: what the file holds; a missing choice has the value that `transformers` gives it.
        source: the file, for errors.

    Returns:
        Arguments of `BertBackbone`, as JSON values.

    Raises:
        ValueError: if it is not a BERT, or not one that `BertBackbone` computes.
    """
    for key, expected in FIXED.items():
        if found.get(key, expected) != expected:
            raise ValueError(
                f"{source} has {key} {found[key]!r}, which BertBackbone does not compute: only "
                f"{expected!r} can be loaded."
            )
    config = {ours: size_of(found, theirs, source) for theirs, ours in SIZES.items()}
    for theirs, (ours, default) in NUMBERS.items():
        config[ours] = found.get(theirs, default)
        if not isinstance(config[ours], (int, float)):
            raise ValueError(f"{source} must have {theirs}, a number; received {config[ours]!r}.")
    config["activation"] = activation_of(found, "hidden_act", "gelu", source)
    return config


def to_hugging_face(config: Mapping[str, Any]) -> dict[str, Any]:
    """Translates `get_config()` of a `BertBackbone` into what `transformers` expects.

    Args:
        config: arguments of `BertBackbone`, all of them.

    Returns:
        Values for `config.json`.

    Raises:
        ValueError: if Hugging Face does not have the activation.
    """
    numbers = {theirs: config[ours] for theirs, (ours, _) in NUMBERS.items()}
    if config["attention_dropout"] is None:
        numbers["attention_probs_dropout_prob"] = config["dropout"]
    return {
        "model_type": MODEL_TYPE,
        **{theirs: config[ours] for theirs, ours in SIZES.items()},
        **numbers,
        "hidden_act": their_activation(config["activation"]),
        "position_embedding_type": "absolute",
        "tie_word_embeddings": True,
    }
