"""BERT's WordPiece, trained, loaded, saved and run in the graph."""

import contextlib
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfzoo.preprocessing import word_piece_files
from tfzoo.preprocessing.tokenizer import Tokenizer
from tfzoo.preprocessing.word_piece_files import (
    CONTINUATION,
    END,
    MASK,
    PADDING,
    SPECIAL_TOKENS,
    START,
    UNKNOWN,
)
from tfzoo.preprocessing.word_piece_graph import MAX_SPECIAL_TOKENS, NOT_UTF8, WordPieceGraph


@keras.saving.register_keras_serializable(package="tfzoo")
class WordPieceTokenizer(Tokenizer):
    """Tokenizes a text into the word pieces of BERT, id for id as Hugging Face `tokenizers`.

    A text is cleaned (control characters vanish, white space becomes a space), cut at spaces,
    punctuation and Chinese characters, and each word is divided into the longest pieces that the
    vocabulary has, from the left; `##` marks pieces inside a word. A word without such pieces, or
    of more than 100 characters, is `[UNK]`. `tokenize` adds neither `[CLS]` nor `[SEP]`.

    Where a special token's text occurs in a string it becomes that token, as in Hugging Face.
    `special_tokens_in_strings=False` reads it as ordinary text instead.

    Args:
        vocabulary: tokens in the order of their ids. `[UNK]` is one of them.
        lowercase: bool, capitals become small.
        strip_accents: bool, characters lose their accents; None means the same as `lowercase`.
        special_tokens: tokens of the vocabulary that stand for no text; None for those of
            `[PAD] [UNK] [CLS] [SEP] [MASK]` that it has.
        special_tokens_in_strings: whether tokenize() looks for special tokens in the strings.

    Raises:
        ValueError: if the vocabulary repeats a token, or lacks `[UNK]` or a special token.

    Example:
        ```python
        from tfzoo.preprocessing import WordPieceTokenizer

        tokenizer = WordPieceTokenizer(["[UNK]", "[MASK]", "un", "##aff", "##able", "!"])
        assert tokenizer.tokenize("Unaffable [MASK]!").numpy().tolist() == [2, 3, 4, 1, 5]
        ids, starts, ends = tokenizer.tokenize_with_offsets("Unaffable!")
        assert starts.numpy().tolist() == [0, 2, 5, 9] and ends.numpy().tolist() == [2, 5, 9, 10]
        ```

    Source: Devlin et al. 2019, "BERT", section 3; Wu et al. 2016, section 4.1.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        lowercase: bool = True,
        strip_accents: bool | None = None,
        special_tokens: Sequence[str] | None = None,
        special_tokens_in_strings: bool = True,
    ):
        vocabulary = list(vocabulary)
        if special_tokens is None:
            special_tokens = [token for token in SPECIAL_TOKENS if token in vocabulary]
        _require_consistent(vocabulary, special_tokens)
        specials = set(special_tokens)
        super().__init__(
            vocabulary,
            [b"" if token in specials else _text_of(token) for token in vocabulary],
            special_tokens,
        )
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.special_tokens_in_strings = special_tokens_in_strings
        self._graph = WordPieceGraph(
            vocabulary,
            UNKNOWN,
            special_tokens if special_tokens_in_strings else (),
            lowercase,
            lowercase if strip_accents is None else strip_accents,
        )

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary_size: int,
        lowercase: bool = True,
        strip_accents: bool | None = None,
        min_frequency: int = 2,
    ) -> "WordPieceTokenizer":
        """Learns a vocabulary from texts, with the trainer of Hugging Face `tokenizers`.

        Args:
            texts: strings, read once.
            vocabulary_size: number of ids to reach, the five special tokens included; a small
                corpus may yield fewer.
            lowercase: see the class.
            strip_accents: see the class.
            min_frequency: how often a pair of pieces must occur to become one.

        Returns:
            A `WordPieceTokenizer`.

        Raises:
            TypeError: if `texts` is one string.
            ValueError: if there is no text, or `vocabulary_size` has no room for the characters.
        """
        if isinstance(texts, (str, bytes)):
            raise TypeError("`texts` must be an iterable of strings; received one string.")
        vocabulary = word_piece_files.train(
            texts, vocabulary_size, SPECIAL_TOKENS, min_frequency, lowercase, strip_accents
        )
        if len(vocabulary) == len(SPECIAL_TOKENS):
            raise ValueError("`texts` must hold at least one word, but there is none.")
        if len(vocabulary) > vocabulary_size:
            raise ValueError(
                f"`vocabulary_size` must be at least {len(vocabulary)}, the special tokens and the "
                f"characters of the texts; received {vocabulary_size}."
            )
        return cls(vocabulary, lowercase, strip_accents)

    @classmethod
    def from_vocabulary_file(
        cls, path: str | os.PathLike, lowercase: bool = True, strip_accents: bool | None = None
    ) -> "WordPieceTokenizer":
        """Reads a `vocab.txt`, which does not say whether its tokens are in small letters."""
        vocabulary = word_piece_files.read_vocabulary(pathlib.Path(path))
        return cls(vocabulary, lowercase, strip_accents)

    @classmethod
    def from_tokenizer_json(cls, path: str | os.PathLike) -> "WordPieceTokenizer":
        """Reads Hugging Face's `tokenizer.json`, if it is WordPiece as in BERT."""
        return cls(**word_piece_files.read_tokenizer_json(pathlib.Path(path)))

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "WordPieceTokenizer":
        """Reads `tokenizer.json`, or else `vocab.txt`, from a folder."""
        return cls(**word_piece_files.read_folder(pathlib.Path(folder)))

    def save(self, folder: str | os.PathLike) -> None:
        """Writes `vocab.txt`, `tokenizer.json` and `tokenizer_config.json`.

        Args:
            folder: made if needed; Hugging Face reads the same ids from it.
        """
        config = self.get_config()
        word_piece_files.write_folder(pathlib.Path(folder), config.pop("vocabulary"), **config)

    @property
    def start_token_id(self) -> int | None:
        """Id of `[CLS]`, or None if there is none."""
        return self._id_if_special(START)

    @property
    def end_token_id(self) -> int | None:
        """Id of `[SEP]`, or None if there is none."""
        return self._id_if_special(END)

    @property
    def padding_token_id(self) -> int:
        """Id of `[PAD]`, or 0 if there is none."""
        return self._id_if_special(PADDING) or 0

    @property
    def unknown_token_id(self) -> int:
        """Id of `[UNK]`."""
        return self.token_to_id(UNKNOWN)

    @property
    def mask_token_id(self) -> int | None:
        """Id of `[MASK]`, or None if there is none."""
        return self._id_if_special(MASK)

    @property
    def continues_word(self) -> tuple[bool, ...]:
        """For each of the V ids, whether it is a piece inside a word."""
        return tuple(token.startswith(CONTINUATION) for token in self._vocabulary.tokens)

    def detokenize(self, token_ids: Any) -> tf.Tensor:
        """Turns token ids back into text: words with a space between; special tokens are dropped.

        What the cleaning removed does not come back, nor does it say where spaces were missing.

        Args:
            token_ids: as in `Tokenizer.detokenize`.

        Returns:
            UTF-8 strings of shape `(B,)`, or a scalar for one row.
        """
        return tf.strings.strip(super().detokenize(token_ids))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, vocabulary included, as JSON values."""
        return {
            "vocabulary": list(self._vocabulary.tokens),
            "lowercase": self.lowercase,
            "strip_accents": self.strip_accents,
            "special_tokens": list(self.special_tokens),
            "special_tokens_in_strings": self.special_tokens_in_strings,
        }

    def _tokenize_batch(self, texts: tf.Tensor) -> tf.RaggedTensor:
        with _sentence_for_bad_bytes():
            return self._graph.tokenize(texts)

    def _tokenize_batch_with_offsets(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, ...]:
        with _sentence_for_bad_bytes():
            return self._graph.tokenize_with_offsets(texts)

    def _id_if_special(self, token: str) -> int | None:
        return self.token_to_id(token) if token in self.special_tokens else None


@contextlib.contextmanager
def _sentence_for_bad_bytes() -> Iterator[None]:
    """Raises what the graph says as a ValueError, where it is executed at once."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if NOT_UTF8 not in str(error):
            raise
        raise ValueError(NOT_UTF8) from None


def _text_of(token: str) -> bytes:
    if token.startswith(CONTINUATION) and token != CONTINUATION:
        return token.removeprefix(CONTINUATION).encode()
    return f" {token}".encode()


def _require_consistent(vocabulary: list[str], special_tokens: Sequence[str]) -> None:
    if len(set(vocabulary)) != len(vocabulary):
        twice = next(
            token for number, token in enumerate(vocabulary) if token in vocabulary[:number]
        )
        raise ValueError(f"`vocabulary` must not hold a token twice; received {twice!r} twice.")
    for token in (UNKNOWN, *special_tokens):
        if token not in vocabulary:
            raise ValueError(
                f"`vocabulary` must hold {token!r}; the {len(vocabulary)} tokens received do not."
            )
    if len(special_tokens) > MAX_SPECIAL_TOKENS:
        raise ValueError(
            f"`special_tokens` must be at most {MAX_SPECIAL_TOKENS}; received "
            f"{len(special_tokens)}."
        )
