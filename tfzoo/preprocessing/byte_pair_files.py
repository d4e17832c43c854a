"""Byte-level BPE in Hugging Face's files: `vocab.json` and `merges.txt`, or `tokenizer.json`."""

import json
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import tokenizers

from tfzoo.preprocessing.byte_pair_vocabulary import BYTE_OF_CHARACTER, BytePairVocabulary
from tfzoo.preprocessing.tokenizer import END_OF_TEXT, read_json, read_text, write_aside

_VOCABULARY = "vocab.json"
_MERGES = "merges.txt"
_TOKENIZER = "tokenizer.json"
_CONFIG = "tokenizer_config.json"

# What tokenizer.json may say of its parts for its tokens to be GPT-2's.
_MODEL = {
    "type": "BPE",
    "dropout": None,
    "continuing_subword_prefix": None,
    "end_of_word_suffix": None,
    "byte_fallback": False,
    "ignore_merges": False,
}
_PRE_TOKENIZER = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
_ADDED_TOKEN = {
    "special": True,
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
}


def read_folder(folder: pathlib.Path) -> tuple[BytePairVocabulary, bool]:
    """Reads a folder that Hugging Face or `write_folder` wrote.

    Args:
        folder: holds `tokenizer.json`, or `vocab.json` and `merges.txt`.

    Returns:
        The vocabulary, and whether special tokens are read from strings.
    """
    if (folder / _TOKENIZER).exists():
        vocabulary = read_tokenizer_json(folder / _TOKENIZER)
    else:
        vocabulary = read_vocabulary_and_merges(folder / _VOCABULARY, folder / _MERGES)
    config = read_json(folder / _CONFIG) if (folder / _CONFIG).exists() else {}
    return vocabulary, not config.get("split_special_tokens", False)


def read_vocabulary_and_merges(
    vocabulary_path: pathlib.Path,
    merges_path: pathlib.Path,
    special_tokens: Sequence[str] | None = None,
) -> BytePairVocabulary:
    """Reads `vocab.json` and `merges.txt`; their special token, if unnamed, is `<|endoftext|>`."""
    vocabulary = read_json(vocabulary_path)
    if not isinstance(vocabulary, dict):
        raise ValueError(f"{vocabulary_path} must hold an object of tokens and ids.")
    lines = read_text(merges_path).split("\n")
    merges = [line for line in lines if line and not line.startswith("#version")]
    if special_tokens is None:
        special_tokens = [END_OF_TEXT] if END_OF_TEXT in vocabulary else []
    return _checked(f"{vocabulary_path}, {merges_path}", vocabulary, merges, special_tokens)


def read_tokenizer_json(path: pathlib.Path) -> BytePairVocabulary:
    """Reads a `tokenizer.json`, if what it describes is byte-level BPE as GPT-2 has it."""
    return _parse_tokenizer(str(path), read_json(path))


def train(
    texts: Iterable[str], vocabulary_size: int, special_tokens: Sequence[str], min_frequency: int
) -> BytePairVocabulary:
    """Learns a vocabulary, see `BytePairTokenizer.train`."""
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=min_frequency,
        special_tokens=list(special_tokens),
        initial_alphabet=list(BYTE_OF_CHARACTER),
        show_progress=False,
    )
    tokenizer = _hugging_face_tokenizer(tokenizers.models.BPE(), special_tokens=())
    tokenizer.train_from_iterator(texts, trainer)
    return _parse_tokenizer("The trained tokenizer", json.loads(tokenizer.to_str()))


def write_folder(
    folder: pathlib.Path,
    vocabulary: BytePairVocabulary,
    end_token: str | None,
    special_tokens_in_strings: bool,
) -> None:
    """Writes every file from which Hugging Face or `read_folder` makes the same tokenizer."""
    lines = ["#version: 0.2", *(" ".join(merge) for merge in vocabulary.merges)]
    config = {
        "tokenizer_class": "GPT2Tokenizer",
        "add_prefix_space": False,
        "split_special_tokens": not special_tokens_in_strings,
        **dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token"), end_token),
    }
    model = tokenizers.models.BPE(vocabulary.ids, list(vocabulary.merges))
    tokenizer = _hugging_face_tokenizer(model, vocabulary.special_tokens)
    write_aside(folder / _VOCABULARY, json.dumps(vocabulary.ids, ensure_ascii=False))
    write_aside(folder / _MERGES, "\n".join(lines) + "\n")
    write_aside(folder / _CONFIG, json.dumps(config, indent=2) + "\n")
    write_aside(folder / _TOKENIZER, tokenizer.to_str(pretty=True))


def _hugging_face_tokenizer(
    model: tokenizers.models.BPE, special_tokens: Sequence[str]
) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.post_processor = tokenizers.processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(list(special_tokens))
    return tokenizer


def _parse_tokenizer(source: str, config: Any) -> BytePairVocabulary:
    try:
        model, added = config["model"], config["added_tokens"]
        _require(config, {"normalizer": None})
        _require(config["pre_tokenizer"] or {"type": None}, _PRE_TOKENIZER)
        _require(model, _MODEL)
        for token in added:
            _require(token, _ADDED_TOKEN)
        vocabulary = model["vocab"] | {token["content"]: token["id"] for token in added}
        merges, special_tokens = model["merges"], [token["content"] for token in added]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{source} is no tokenizer.json of Hugging Face: {error!r}.") from error
    except ValueError as error:
        raise ValueError(f"{source} must be byte-level BPE as in GPT-2, but {error}") from error
    return _checked(source, vocabulary, merges, special_tokens)


def _checked(
    source: str, vocabulary: dict[str, int], merges: list, special_tokens: Sequence[str]
) -> BytePairVocabulary:
    try:
        return BytePairVocabulary(vocabulary, merges, special_tokens)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error


def _require(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for key, value in expected.items():
        # Hugging Face leaves out what has its default, and may write "" for None.
        if (found.get(key, value) or None) != (value or None):
            raise ValueError(f"it has {key!r} {found[key]!r} where {value!r} is expected.")
