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
_NETWORK = "config.json"
# What a tokenizer_config.json calls its special tokens.
_ROLES = ("bos_token", "eos_token", "pad_token", "unk_token")

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


def read_folder(folder: pathlib.Path) -> tuple[BytePairVocabulary, dict[str, Any]]:
    """Reads a folder that Hugging Face or `write_folder` wrote.

    Args:
        folder: holds `tokenizer.json`, or `vocab.json` and `merges.txt`.

    Returns:
        The vocabulary, and the other arguments of `BytePairTokenizer`: whether special tokens are
        read from strings, and which of them start and end a text.
    """
    config = read_json(folder / _CONFIG) if (folder / _CONFIG).exists() else {}
    try:
        _require(config, {"add_prefix_space": False})
    except ValueError as error:
        raise ValueError(f"{folder / _CONFIG} must be that of a GPT-2, but {error}") from error
    named = {role: _name(config.get(role)) for role in _ROLES}
    if (folder / _TOKENIZER).exists():
        vocabulary = read_tokenizer_json(folder / _TOKENIZER)
    else:
        vocabulary = read_vocabulary_and_merges(
            folder / _VOCABULARY, folder / _MERGES, named_tokens=named.values()
        )
    network = read_json(folder / _NETWORK) if (folder / _NETWORK).exists() else {}
    special = {vocabulary.tokens.index(token): token for token in vocabulary.special_tokens}

    def token_of(role):
        # As in `transformers`, the id that comes with the network goes first; it may be the default
        # of a class, which means nothing in a smaller vocabulary.
        found = network.get(f"{role}_id")
        if isinstance(found, int) and found in special:
            return special[found]
        return named[role] if named[role] in special.values() else None

    return vocabulary, {
        "special_tokens_in_strings": not config.get("split_special_tokens", False),
        "start_token": token_of("bos_token"),
        "end_token": token_of("eos_token"),
    }


def read_vocabulary_and_merges(
    vocabulary_path: pathlib.Path,
    merges_path: pathlib.Path,
    special_tokens: Sequence[str] | None = None,
    named_tokens: Iterable[str | None] = (),
) -> BytePairVocabulary:
    """Reads `vocab.json` and `merges.txt`.

    Their special tokens, if not given, are `<|endoftext|>` and `named_tokens`, as far as there.
    """
    vocabulary = read_json(vocabulary_path)
    if not isinstance(vocabulary, dict):
        raise ValueError(f"{vocabulary_path} must hold an object of tokens and ids.")
    lines = read_text(merges_path).split("\n")
    merges = [line for line in lines if line and not line.startswith("#version")]
    if special_tokens is None:
        wanted = {END_OF_TEXT, *named_tokens} & vocabulary.keys()
        special_tokens = sorted(wanted, key=vocabulary.get)
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
    start_token: str | None,
    end_token: str | None,
    special_tokens_in_strings: bool,
) -> None:
    """Writes every file from which Hugging Face or `read_folder` makes the same tokenizer."""
    lines = ["#version: 0.2", *(" ".join(merge) for merge in vocabulary.merges)]
    config = {
        "tokenizer_class": "GPT2Tokenizer",
        "add_prefix_space": False,
        "split_special_tokens": not special_tokens_in_strings,
        **dict.fromkeys(_ROLES, end_token),
        "bos_token": start_token,
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


def _name(token: Any) -> str | None:
    """The name of a token, which Hugging Face writes as a string or with what it does to spaces."""
    return token.get("content") if isinstance(token, dict) else token


def _require(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for key, value in expected.items():
        # Hugging Face leaves out what has its default, and may write "" for None.
        if (found.get(key, value) or None) != (value or None):
            raise ValueError(f"it has {key!r} {found[key]!r} where {value!r} is expected.")
