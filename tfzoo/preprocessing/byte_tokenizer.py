"""One id per byte: nothing to train, nothing unknown."""

import json
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfzoo.preprocessing.tokenizer import END_OF_TEXT, Tokenizer, read_json, write_aside

UNKNOWN = "<|unknown|>"
_FILE = "byte_tokenizer.json"


@keras.saving.register_keras_serializable(package="tfzoo")
class ByteTokenizer(Tokenizer):
    """Tokenizes a text into its UTF-8 bytes.

    Without an alphabet every byte is its own id and `<|endoftext|>` is id 256. With one, id i is
    the i-th byte of the alphabet, followed by `<|endoftext|>` and `<|unknown|>`. The text of a
    special token has no meaning here: it is bytes like any other.

    A byte outside the alphabet becomes `<|unknown|>`, so that a text keeps its length and a
    served model answers instead of failing; like every special token it is dropped by
    `detokenize`. `tokenizer.token_to_id("<|unknown|>")` finds it.

    Args:
        alphabet: the bytes that get an id, each once, as `bytes`, an ASCII string or integers in
            `[0, 255]`; `None` for all 256.

    Raises:
        ValueError: if `alphabet` is empty, repeats a byte or holds something else than bytes.

    Example:
        ```python
        from tfzoo.preprocessing import ByteTokenizer

        tokenizer = ByteTokenizer(alphabet="abc")
        assert tokenizer.tokenize("cab!").numpy().tolist() == [2, 0, 1, 4]
        assert tokenizer.vocabulary_size == 5
        ```
    """

    def __init__(self, alphabet: bytes | str | Sequence[int] | None = None):
        symbols = bytes(range(256)) if alphabet is None else _as_alphabet(alphabet)
        specials = (END_OF_TEXT,) if alphabet is None else (END_OF_TEXT, UNKNOWN)
        super().__init__(
            tokens=[*map(_name, symbols), *specials],
            token_bytes=[*(bytes([byte]) for byte in symbols), *(b"" for _ in specials)],
            special_tokens=specials,
        )
        self._alphabet = None if alphabet is None else symbols
        id_of_byte = np.full(256, len(symbols) + 1, np.int32)
        id_of_byte[list(symbols)] = range(len(symbols))
        with tf.init_scope():
            self._id_of_byte = tf.constant(id_of_byte)

    @classmethod
    def from_texts(cls, texts: Iterable[str | bytes]) -> "ByteTokenizer":
        """Makes a tokenizer whose alphabet is the bytes that occur in `texts`, in their order.

        Args:
            texts: strings, of which every byte is read.

        Returns:
            A `ByteTokenizer`; for 65 different bytes its `vocabulary_size` is 67.
        """
        if isinstance(texts, (str, bytes)):
            texts = [texts]
        found = set()
        for text in texts:
            found.update(text.encode() if isinstance(text, str) else text)
        if not found:
            raise ValueError("`texts` must contain at least one byte, but it is empty.")
        return cls(bytes(sorted(found)))

    @property
    def token_lengths(self) -> tuple[int, ...]:
        """1 for each byte, an unknown one too."""
        return tuple(
            int(name == UNKNOWN or token != b"")
            for name, token in zip(self._vocabulary.tokens, self.token_bytes, strict=True)
        )

    def _tokenize_batch(self, texts: tf.Tensor) -> tf.RaggedTensor:
        # One string of all bytes: decode_raw reads only rows of equal length.
        every_byte = tf.io.decode_raw(tf.strings.reduce_join(texts), tf.uint8)
        token_ids = tf.gather(self._id_of_byte, tf.cast(every_byte, tf.int32))
        lengths = tf.cast(tf.strings.length(texts), tf.int64)
        return tf.RaggedTensor.from_row_lengths(token_ids, lengths, validate=False)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as JSON values."""
        return {"alphabet": None if self._alphabet is None else list(self._alphabet)}

    def save(self, folder: str | os.PathLike) -> None:
        """Writes `byte_tokenizer.json` into `folder`, which is made if needed."""
        write_aside(pathlib.Path(folder) / _FILE, json.dumps(self.get_config()) + "\n")

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "ByteTokenizer":
        """Reads the `byte_tokenizer.json` that `save` wrote into `folder`."""
        path = pathlib.Path(folder) / _FILE
        config = read_json(path)
        if not isinstance(config, dict) or set(config) != {"alphabet"}:
            raise ValueError(f"{path} must hold an object with the one key 'alphabet'.")
        return cls(**config)


def _as_alphabet(alphabet: bytes | str | Sequence[int]) -> bytes:
    try:
        symbols = alphabet.encode("ascii") if isinstance(alphabet, str) else bytes(list(alphabet))
    except (TypeError, ValueError) as error:
        raise ValueError(
            "`alphabet` must be bytes, an ASCII string or integers in [0, 255]; received "
            f"{alphabet!r:.200}. For other text, call ByteTokenizer.from_texts()."
        ) from error
    if not symbols or len(set(symbols)) != len(symbols):
        raise ValueError(
            f"`alphabet` must hold at least one byte and each only once; received {symbols!r}."
        )
    return symbols


def _name(byte: int) -> str:
    return chr(byte) if byte < 128 else f"<0x{byte:02X}>"
