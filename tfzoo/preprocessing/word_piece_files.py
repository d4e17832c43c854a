"""WordPiece vocabularies in files: BERT's `vocab.txt`, or Hugging Face's `tokenizer.json`."""

import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tokenizers

from tfzoo.preprocessing.tokenizer import read_json, read_text, write_aside

PADDING, UNKNOWN, START, END, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CONTINUATION = "##"
# A word of more characters is unknown, as in the original BERT.
MAX_WORD_LENGTH = 100

_VOCABULARY = "vocab.txt"
_TOKENIZER = "tokenizer.json"
_CONFIG = "tokenizer_config.json"

# What tokenizer.json may say of its parts for its tokens to be BERT's.
_MODEL = {
    "type": "WordPiece",
    "unk_token": UNKNOWN,
    "continuing_subword_prefix": CONTINUATION,
    "max_input_chars_per_word": MAX_WORD_LENGTH,
}
_NORMALIZER = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True}
_PRE_TOKENIZER = {"type": "BertPreTokenizer"}
_ADDED_TOKEN = {"special": True, "single_word": False, "lstrip": False, "rstrip": False}


def read_folder(folder: pathlib.Path) -> dict[str, Any]:
    """Reads `tokenizer.json`, or else `vocab.txt`, into the arguments of `WordPieceTokenizer`."""
    config = read_json(folder / _CONFIG) if (folder / _CONFIG).exists() else {}
    if (folder / _TOKENIZER).exists():
        arguments = read_tokenizer_json(folder / _TOKENIZER)
    else:
        arguments = {
            "vocabulary": read_vocabulary(folder / _VOCABULARY),
            "lowercase": config.get("do_lower_case", True),
            "strip_accents": config.get("strip_accents"),
        }
    return arguments | {"special_tokens_in_strings": not config.get("split_special_tokens", False)}


def read_vocabulary(path: pathlib.Path) -> list[str]:
    """Reads a `vocab.txt`: a token in each line, its id the number of the line from 0."""
    lines = read_text(path).split("\n")
    # Not splitlines: the vocabulary of BERT holds characters that it takes for line ends.
    tokens = [line.removesuffix("\r") for line in lines]
    return tokens[:-1] if tokens[-1] == "" else tokens


def read_tokenizer_json(path: pathlib.Path) -> dict[str, Any]:
    """Reads a `tokenizer.json`, if what it describes is BERT's WordPiece."""
    config = read_json(path)
    try:
        model, normalizer, added = config["model"], config["normalizer"], config["added_tokens"]
        _require(model, _MODEL)
        _require(normalizer, _NORMALIZER)
        _require(config["pre_tokenizer"], _PRE_TOKENIZER)
        for token in added:
            _require(token, _ADDED_TOKEN)
        ids = model["vocab"] | {token["content"]: token["id"] for token in added}
        return {
            "vocabulary": _in_order_of_ids(ids),
            "lowercase": normalizer["lowercase"],
            "strip_accents": normalizer["strip_accents"],
            "special_tokens": [token["content"] for token in added],
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no tokenizer.json of Hugging Face: {error!r}.") from error
    except ValueError as error:
        raise ValueError(f"{path} must be WordPiece as in BERT, but {error}") from error


def train(
    texts: Iterable[str],
    vocabulary_size: int,
    special_tokens: Sequence[str],
    min_frequency: int,
    lowercase: bool,
    strip_accents: bool | None,
) -> list[str]:
    """Learns a vocabulary, see `WordPieceTokenizer.train`."""
    model = tokenizers.models.WordPiece(unk_token=UNKNOWN, max_input_chars_per_word=MAX_WORD_LENGTH)
    tokenizer = _hugging_face_tokenizer(model, (), lowercase, strip_accents)
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        min_frequency=min_frequency,
        special_tokens=list(special_tokens),
        continuing_subword_prefix=CONTINUATION,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _in_order_of_ids(tokenizer.get_vocab())


def write_folder(
    folder: pathlib.Path,
    tokens: Sequence[str],
    special_tokens: Sequence[str],
    lowercase: bool,
    strip_accents: bool | None,
    special_tokens_in_strings: bool,
) -> None:
    """Writes every file from which Hugging Face or `read_folder` makes the same tokenizer."""
    ids = {token: token_id for token_id, token in enumerate(tokens)}
    model = tokenizers.models.WordPiece(
        ids, unk_token=UNKNOWN, max_input_chars_per_word=MAX_WORD_LENGTH
    )
    tokenizer = _hugging_face_tokenizer(model, special_tokens, lowercase, strip_accents)
    if {START, END} <= ids.keys():
        tokenizer.post_processor = tokenizers.processors.BertProcessing(
            (END, ids[END]), (START, ids[START])
        )
    config = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": lowercase,
        "strip_accents": strip_accents,
        "tokenize_chinese_chars": True,
        "split_special_tokens": not special_tokens_in_strings,
    }
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    named = zip(names, SPECIAL_TOKENS, strict=True)
    config |= {name: token for name, token in named if token in ids}
    write_aside(folder / _VOCABULARY, "\n".join(tokens) + "\n")
    write_aside(folder / _CONFIG, json.dumps(config, indent=2) + "\n")
    write_aside(folder / _TOKENIZER, tokenizer.to_str(pretty=True))


def _hugging_face_tokenizer(model, special_tokens, lowercase, strip_accents):
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece(CONTINUATION)
    tokenizer.add_special_tokens(list(special_tokens))
    return tokenizer


def _in_order_of_ids(ids: Mapping[str, int]) -> list[str]:
    by_id = {token_id: token for token, token_id in ids.items()}
    if sorted(by_id) != list(range(len(ids))):
        raise ValueError(f"its {len(ids)} tokens do not have the ids 0 to {len(ids) - 1}.")
    return [by_id[token_id] for token_id in range(len(ids))]


def _require(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for key, value in expected.items():
        # Hugging Face leaves out what has its default.
        if found.get(key, value) != value:
            raise ValueError(f"it has {key!r} {found[key]!r} where {value!r} is expected.")
