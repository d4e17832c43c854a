"""What every tokenizer promises: strings to ids and back, in the graph.

Axis letters: B batch, T tokens of one text, V vocabulary.
"""

import dataclasses
import json
import os
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

END_OF_TEXT = "<|endoftext|>"


@dataclasses.dataclass(frozen=True)
class _Vocabulary:
    # A plain object: tf.Module would wrap bare lists and tuples into trackables, V nodes each.
    tokens: tuple[str, ...]
    token_bytes: tuple[bytes, ...]
    special_tokens: tuple[str, ...]
    ids: dict[str, int]
    start_token: str | None
    end_token: str | None


class Tokenizer(tf.Module):
    """Base of the tokenizers: one implementation for training, generation and the exported graph.

    A tokenizer is a `tf.Module`, so a SavedModel keeps the resources it needs, and `tokenize`
    gives the same ids eagerly, inside `tf.function`, inside `tf.data` and in a loaded SavedModel.
    A subclass writes `_tokenize_batch`, `get_config`, `save` and `load`.

    Unless others are named, start and end token are both `<|endoftext|>`, as in GPT-2; without a
    token of that name, the first special token; without special tokens there are none. The end
    token, or else id 0, is padding too: that is carried by masks, and needs no id of its own.

    Args:
        tokens: V strings, the names of the tokens in the order of their ids.
        token_bytes: V byte strings, what each id stands for; `b""` for special tokens.
        special_tokens: the names among `tokens` that stand for no text.
        start_token: optional, the special token in front of a text.
        end_token: optional, the special token behind a text.

    Raises:
        ValueError: if `start_token` or `end_token` is none of `special_tokens`.

    Example:
        ```python
        from tfzoo.preprocessing import ByteTokenizer

        tokenizer = ByteTokenizer()
        assert tokenizer.tokenize(["Hi", "you"]).to_list() == [[72, 105], [121, 111, 117]]
        assert tokenizer.detokenize([72, 105]) == b"Hi"
        ```
    """

    def __init__(
        self,
        tokens: Sequence[str],
        token_bytes: Sequence[bytes],
        special_tokens: Sequence[str],
        start_token: str | None = None,
        end_token: str | None = None,
    ):
        super().__init__()
        for name, token in (("start_token", start_token), ("end_token", end_token)):
            if token is not None and token not in special_tokens:
                raise ValueError(
                    f"`{name}` must be one of the special tokens {list(special_tokens)}; received "
                    f"{token!r}."
                )
        usual = END_OF_TEXT if END_OF_TEXT in special_tokens else next(iter(special_tokens), None)
        self._vocabulary = _Vocabulary(
            tuple(tokens),
            tuple(token_bytes),
            tuple(special_tokens),
            {token: token_id for token_id, token in enumerate(tokens)},
            start_token or usual,
            end_token or usual,
        )
        with tf.init_scope():
            self._bytes_of_id = tf.constant(self.token_bytes)

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, V; every id is in `[0, V)`."""
        return len(self._vocabulary.tokens)

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """Names of the tokens that stand for no text."""
        return self._vocabulary.special_tokens

    @property
    def token_bytes(self) -> tuple[bytes, ...]:
        """The bytes that each of the V ids stands for, `b""` for special tokens."""
        return self._vocabulary.token_bytes

    @property
    def token_lengths(self) -> tuple[int, ...]:
        """How many bytes of a text each of the V ids takes, 0 for most special tokens."""
        return tuple(map(len, self.token_bytes))

    @property
    def start_token_id(self) -> int | None:
        """Id put in front of a text, or `None` if there are no special tokens."""
        return self._vocabulary.ids.get(self._vocabulary.start_token)

    @property
    def end_token_id(self) -> int | None:
        """Id put behind a text, or `None` if there are no special tokens."""
        return self._vocabulary.ids.get(self._vocabulary.end_token)

    @property
    def padding_token_id(self) -> int:
        """Id that fills a row up to its length; masks say where it is no real token."""
        return self.end_token_id or 0

    def tokenize(self, texts: Any) -> tf.RaggedTensor | tf.Tensor:
        """Turns texts into token ids.

        Args:
            texts: a string, a list of strings, or a string tensor of shape `()` or `(B,)`.

        Returns:
            int32 ids: a `tf.RaggedTensor` of shape `(B, None)`, or a tensor `(T,)` for one string.

        Raises:
            TypeError: if `texts` is not made of strings.
            ValueError: if `texts` has more than one axis or an unknown number of them.
        """
        texts = _as_strings(texts)
        if texts.shape.rank == 0:
            return self._tokenize_batch(texts[tf.newaxis]).values
        return self._tokenize_batch(texts)

    __call__ = tokenize

    def tokenize_with_offsets(self, texts: Any) -> tuple[Any, Any, Any]:
        """Turns texts into token ids, and says where in the text each of them stands.

        Args:
            texts: as in `tokenize`.

        Returns:
            `(token_ids, starts, ends)`, all int32 and of the shape that `tokenize` returns. Token i
            is made of the characters `text[starts[i]:ends[i]]` of the Python string.

        Raises:
            NotImplementedError: if the tokenizer does not keep track of places.
        """
        texts = _as_strings(texts)
        if texts.shape.rank == 0:
            found = self._tokenize_batch_with_offsets(texts[tf.newaxis])
            return tuple(ragged.values for ragged in found)
        return self._tokenize_batch_with_offsets(texts)

    def detokenize(self, token_ids: Any) -> tf.Tensor:
        """Turns token ids back into text; special tokens are dropped.

        Args:
            token_ids: ids in `[0, V)`: a ragged or dense tensor (or nested list) of shape
                `(B, T)`, or one row of shape `(T,)`.

        Returns:
            Strings of shape `(B,)`, or a scalar for one row: the raw bytes of the tokens, which
            are UTF-8 as long as no character was cut.

        Raises:
            TypeError: if `token_ids` are not integers.
            ValueError: if `token_ids` has neither one nor two axes.
        """
        pieces = tf.gather(self._bytes_of_id, _as_ids(token_ids))
        return tf.strings.reduce_join(pieces, axis=-1)

    def token_to_id(self, token: str) -> int:
        """Returns the id of the token of that name, or raises a `ValueError`."""
        if token not in self._vocabulary.ids:
            raise ValueError(
                f"`token` must be one of the {self.vocabulary_size} tokens of the vocabulary; "
                f"received {token!r}. To turn text into ids, call tokenize()."
            )
        return self._vocabulary.ids[token]

    def id_to_token(self, token_id: int) -> str:
        """Returns the name of the token with that id, or raises a `ValueError`."""
        if not 0 <= token_id < self.vocabulary_size:
            raise ValueError(
                f"`token_id` must be in [0, {self.vocabulary_size}), the ids of the vocabulary; "
                f"received {token_id}."
            )
        return self._vocabulary.tokens[token_id]

    def _tokenize_batch(self, texts: tf.Tensor) -> tf.RaggedTensor:
        raise NotImplementedError(f"{type(self).__name__} must define _tokenize_batch.")

    def _tokenize_batch_with_offsets(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, ...]:
        raise NotImplementedError(
            f"{type(self).__name__} does not say where its tokens are; WordPieceTokenizer does."
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as JSON values."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Tokenizer":
        """Makes a tokenizer from what `get_config` returned."""
        return cls(**config)

    def save(self, folder: str | os.PathLike) -> None:
        """Writes the tokenizer's files into `folder`, which is made if needed."""
        raise NotImplementedError(f"{type(self).__name__} must define save.")

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Tokenizer":
        """Reads the files that `save` wrote into `folder`."""
        raise NotImplementedError(f"{cls.__name__} must define load.")


def _as_strings(texts: Any) -> tf.Tensor:
    expected = "`texts` must be a string, a list of strings or a string tensor of shape (B,)"
    if isinstance(texts, tf.RaggedTensor):
        raise ValueError(f"{expected}; received a ragged tensor of shape {texts.shape}.")
    try:
        texts = tf.convert_to_tensor(texts, tf.string)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{expected}; received {texts!r:.200}.") from error
    if texts.shape.rank not in (0, 1):
        raise ValueError(f"{expected}; received a tensor of shape {texts.shape}.")
    return texts


def _as_ids(token_ids: Any) -> tf.Tensor | tf.RaggedTensor:
    expected = "`token_ids` must be integers of shape (T,) or (B, T)"
    if isinstance(token_ids, (list, tuple)):
        try:
            token_ids = tf.ragged.constant(token_ids, tf.int32)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{expected}; received {token_ids!r:.200}.") from error
    if not isinstance(token_ids, tf.RaggedTensor):
        token_ids = tf.convert_to_tensor(token_ids)
    if not token_ids.dtype.is_integer:
        raise TypeError(f"{expected}; received dtype {token_ids.dtype.name}.")
    if token_ids.shape.rank not in (1, 2):
        raise ValueError(f"{expected}; received shape {token_ids.shape}.")
    return token_ids


def write_aside(path: pathlib.Path, text: str) -> None:
    """Writes `text` beside `path` and renames it, so that no half file remains."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        aside = pathlib.Path(folder, path.name)
        aside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(aside, path)


def read_text(path: pathlib.Path) -> str:
    """Reads a UTF-8 file; a missing or broken one gets a sentence that names it."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} does not exist, but the tokenizer needs it.") from error
    except NotADirectoryError as error:
        raise ValueError(
            f"`folder` must be the folder of the tokenizer's files; {path.parent} is a file."
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8 text, but {error}.") from error


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file; a missing or truncated one gets a sentence that names it."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} must be JSON, but it ends or breaks early: {error}; fetch or save it again."
        ) from error
