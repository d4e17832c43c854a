"""GPT-2's byte-level BPE, trained, loaded, saved and run in the graph."""

import os
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfzoo.preprocessing import byte_pair_files
from tfzoo.preprocessing.byte_pair_graph import MergeWords, split_words
from tfzoo.preprocessing.byte_pair_vocabulary import BYTE_OF_CHARACTER, BytePairVocabulary
from tfzoo.preprocessing.tokenizer import END_OF_TEXT, Tokenizer


@keras.saving.register_keras_serializable(package="tfzoo")
class BytePairTokenizer(Tokenizer):
    """Tokenizes a text by byte-level byte-pair encoding, id for id as Hugging Face `tokenizers`.

    A text is cut into words by GPT-2's regular expression; the UTF-8 bytes of a word are then
    joined, pair by pair, in the order of `merges`. Every text has tokens, and `detokenize` gives
    back its exact bytes. Broken UTF-8 comes back too, except for the few byte sequences that
    `byte_pair_graph.py` uses as marks because no UTF-8 text holds them.

    Where a special token's text occurs in a string it becomes that token, as in Hugging Face.
    For strings of unknown origin, such as prompts that users type, that lets the string end a
    document; `special_tokens_in_strings=False` reads it as ordinary text instead.

    Args:
        vocabulary: mapping from token to id, or tokens in the order of their ids. Tokens are
            written in GPT-2's byte alphabet (`"Ġthe"` is `b" the"`); all 256 bytes are there.
        merges: pairs of tokens, or strings `"left right"`, in the order in which they apply.
        special_tokens: tokens of the vocabulary that stand for no text.
        special_tokens_in_strings: whether tokenize() looks for special tokens in the strings.
        start_token: optional, the special token in front of a text; see `Tokenizer`.
        end_token: optional, the special token behind a text, at which a model stops writing.

    Raises:
        ValueError: if vocabulary, merges and special tokens do not fit together.

    Example:
        ```python
        from tfzoo.preprocessing import BytePairTokenizer

        tokenizer = BytePairTokenizer.train(["to be or not to be"] * 2, vocabulary_size=260)
        assert tokenizer.detokenize(tokenizer.tokenize("not to be")) == b"not to be"
        tokenizer.save("tokenizer")  # vocab.json, merges.txt, tokenizer.json
        tokenizer = BytePairTokenizer.load("tokenizer")
        ```

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2),
    section 2.2; Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword
    Units". Run by SentencePiece (Kudo and Richardson 2018), see `byte_pair_graph.py`.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int] | Sequence[str],
        merges: Sequence[str | Sequence[str]],
        special_tokens: Sequence[str] = (END_OF_TEXT,),
        special_tokens_in_strings: bool = True,
        start_token: str | None = None,
        end_token: str | None = None,
    ):
        tables = BytePairVocabulary(vocabulary, merges, special_tokens)
        super().__init__(
            tables.tokens, tables.token_bytes, tables.special_tokens, start_token, end_token
        )
        self.special_tokens_in_strings = special_tokens_in_strings
        self._tables = tables
        special_ids = [self.token_to_id(token) for token in self._special_tokens_to_find]
        self._merge_words = MergeWords(self.token_bytes, tables.ranks(), special_ids)

    @classmethod
    def train(
        cls,
        texts: Iterable[str | bytes],
        vocabulary_size: int,
        special_tokens: Sequence[str] = (END_OF_TEXT,),
        min_frequency: int = 2,
    ) -> "BytePairTokenizer":
        """Learns a vocabulary from texts, with the trainer of Hugging Face `tokenizers`.

        Args:
            texts: strings, read once; special tokens in them are passed over.
            vocabulary_size: number of ids to reach, special tokens and the 256 bytes included;
                a small corpus may yield fewer.
            special_tokens: get the first ids.
            min_frequency: how often a pair must occur to become a token.

        Returns:
            A `BytePairTokenizer`.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
            ValueError: if `texts` is empty or `vocabulary_size` has no room for the bytes.
        """
        smallest = len(BYTE_OF_CHARACTER) + len(special_tokens)
        if vocabulary_size < smallest:
            raise ValueError(
                f"`vocabulary_size` must be at least {smallest}, the 256 bytes and "
                f"{len(special_tokens)} special tokens; received {vocabulary_size}."
            )
        tables = byte_pair_files.train(
            _strings(texts, special_tokens), vocabulary_size, special_tokens, min_frequency
        )
        return cls._from_tables(tables)

    @classmethod
    def from_files(
        cls,
        vocabulary_file: str | os.PathLike,
        merges_file: str | os.PathLike,
        special_tokens: Sequence[str] | None = None,
        special_tokens_in_strings: bool = True,
    ) -> "BytePairTokenizer":
        """Reads Hugging Face's `vocab.json` and `merges.txt`.

        Args:
            vocabulary_file: path of a JSON object from token to id.
            merges_file: path of a text file with one merge, `left right`, in each line.
            special_tokens: tokens that stand for no text; `None` for `<|endoftext|>`, if there.
            special_tokens_in_strings: whether tokenize() looks for special tokens in strings.

        Returns:
            A `BytePairTokenizer`.
        """
        tables = byte_pair_files.read_vocabulary_and_merges(
            pathlib.Path(vocabulary_file), pathlib.Path(merges_file), special_tokens
        )
        return cls._from_tables(tables, special_tokens_in_strings=special_tokens_in_strings)

    @classmethod
    def from_tokenizer_json(
        cls, path: str | os.PathLike, special_tokens_in_strings: bool = True
    ) -> "BytePairTokenizer":
        """Reads Hugging Face's `tokenizer.json`, if it is byte-level BPE as in GPT-2.

        Args:
            path: path of the file; its added tokens become the special tokens.
            special_tokens_in_strings: whether tokenize() looks for special tokens in strings.

        Returns:
            A `BytePairTokenizer`.
        """
        tables = byte_pair_files.read_tokenizer_json(pathlib.Path(path))
        return cls._from_tables(tables, special_tokens_in_strings=special_tokens_in_strings)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "BytePairTokenizer":
        """Reads `tokenizer.json`, or else `vocab.json` and `merges.txt`, from a folder.

        Which tokens start and end a text, `config.json` and `tokenizer_config.json` beside it say.
        """
        tables, settings = byte_pair_files.read_folder(pathlib.Path(folder))
        return cls._from_tables(tables, **settings)

    def save(self, folder: str | os.PathLike) -> None:
        """Writes `vocab.json`, `merges.txt`, `tokenizer.json` and `tokenizer_config.json`.

        Args:
            folder: made if needed; Hugging Face reads the same ids from it.
        """
        ends = self._vocabulary.start_token, self._vocabulary.end_token
        byte_pair_files.write_folder(
            pathlib.Path(folder), self._tables, *ends, self.special_tokens_in_strings
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, vocabulary included, as JSON values."""
        return {
            "vocabulary": list(self._tables.tokens),
            "merges": [" ".join(merge) for merge in self._tables.merges],
            "special_tokens": list(self.special_tokens),
            "special_tokens_in_strings": self.special_tokens_in_strings,
            "start_token": self._vocabulary.start_token,
            "end_token": self._vocabulary.end_token,
        }

    @classmethod
    def _from_tables(cls, tables: BytePairVocabulary, **settings) -> "BytePairTokenizer":
        return cls(tables.tokens, tables.merges, tables.special_tokens, **settings)

    def _tokenize_batch(self, texts: tf.Tensor) -> tf.RaggedTensor:
        words = split_words(texts, self._special_tokens_to_find)
        return words.with_values(self._merge_words(words.values)).merge_dims(1, 2)

    @property
    def _special_tokens_to_find(self) -> tuple[str, ...]:
        return self.special_tokens if self.special_tokens_in_strings else ()


def _strings(texts: Iterable[str | bytes], special_tokens: Sequence[str]) -> Iterator[str]:
    """The texts without their special tokens, which would be learned as if they were words."""
    if isinstance(texts, (str, bytes)):
        raise TypeError("`texts` must be an iterable of strings; received one string.")
    longest_first = sorted(special_tokens, key=len, reverse=True)
    special = re.compile("|".join(map(re.escape, longest_first)) or r"\Z")
    empty = True
    for text in texts:
        empty = False
        if not isinstance(text, (str, bytes)):
            raise TypeError(f"`texts` must hold strings, but one of them is {text!r:.200}.")
        yield from special.split(text.decode(errors="replace") if isinstance(text, bytes) else text)
    if empty:
        raise ValueError("`texts` must hold at least one string, but it is empty.")
