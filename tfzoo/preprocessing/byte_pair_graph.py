r"""Byte-level BPE as TensorFlow operations, without look-ahead and without Python.

GPT-2 first splits a text into words by a regular expression and then merges bytes inside each
word. Here the words are cut by RE2, which has no look-ahead, and merged by SentencePiece, which
knows characters, not bytes. Two devices bridge the gaps:

- *Marks.* A mark is three bytes that UTF-8 never contains, so no UTF-8 text holds one and no
  character class matches it. One mark separates words; each special token has one too.
- *A character map.* SentencePiece normalises text by a trie before it tokenizes. A trie from each
  byte above 0x7F to the Latin-1 character of that number turns bytes into characters, inside the
  operation, for valid and for broken UTF-8.

Sources: Radford et al. 2019 (GPT-2), section 2.2; Kudo and Richardson 2018, "SentencePiece".
"""

import re
import struct
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from sentencepiece import sentencepiece_model_pb2 as sentencepiece_proto

# RE2 in TensorFlow knows Unicode 15.0; these are the letters and digits of 15.1 and 16.0, which
# Hugging Face's engine knows.
_NEW_LETTERS = (
    r"\x{1C89}-\x{1C8A}\x{A7CB}-\x{A7CD}\x{A7DA}-\x{A7DC}\x{105C0}-\x{105F3}\x{10D4A}-\x{10D65}"
    r"\x{10D6F}-\x{10D85}\x{10EC2}-\x{10EC4}\x{11380}-\x{11389}\x{1138B}\x{1138E}"
    r"\x{11390}-\x{113B5}\x{113B7}\x{113D1}\x{113D3}\x{11BC0}-\x{11BE0}\x{13460}-\x{143FA}"
    r"\x{16100}-\x{1611D}\x{16D40}-\x{16D6C}\x{18CFF}\x{1E5D0}-\x{1E5ED}\x{1E5F0}"
    r"\x{2EBF0}-\x{2EE5D}"
)
_NEW_DIGITS = (
    r"\x{10D40}-\x{10D49}\x{116D0}-\x{116E3}\x{11BF0}-\x{11BF9}\x{16130}-\x{16139}"
    r"\x{16D70}-\x{16D79}\x{1CCF0}-\x{1CCF9}\x{1E5F1}-\x{1E5FA}"
)
_LETTER = rf"\p{{L}}{_NEW_LETTERS}"
_DIGIT = rf"\p{{N}}{_NEW_DIGITS}"
_SPACE = r"\t-\r \x{85}\p{Z}"  # Unicode's white space; RE2's \s is ASCII only.

_WORD = (
    rf"'s|'t|'re|'ve|'m|'ll|'d| ?[{_LETTER}]+| ?[{_DIGIT}]+"
    rf"| ?[^{_SPACE}{_LETTER}{_DIGIT}]+|[{_SPACE}]+"
)
# GPT-2's \s+(?!\S): of two or more spaces before a word, the last belongs to the word.
_LAST_SPACE = rf"([{_SPACE}])([{_SPACE}][^{_SPACE}])"

# Neither a trie's key nor a piece may hold byte 0: it travels as Java's "modified UTF-8" has it.
_ZERO_BYTES = b"\xc0\x80"
_ZERO_CHARACTER = "\u0100"
_UNREACHABLE = "\ue000"  # Begins the pieces that no text may produce.
_NOT_A_TOKEN = -1


def _mark(number: int) -> bytes:
    return bytes([0xFF, 0x80 + number // 64, 0x80 + number % 64])


_SEPARATOR = _mark(0)


def split_words(texts: tf.Tensor, special_tokens: Sequence[str]) -> tf.RaggedTensor:
    """Cuts texts where GPT-2 does.

    Args:
        texts: strings of shape `(B,)`.
        special_tokens: strings to find in the texts; each becomes a word that is its mark.

    Returns:
        Strings of shape `(B, None)`: words, among them empty ones.
    """
    longest_first = sorted(special_tokens, key=len, reverse=True)
    if len(longest_first) > 1:
        # Of overlapping special tokens the leftmost counts, then the longest.
        any_special = "|".join(map(re.escape, longest_first))
        texts = tf.strings.regex_replace(texts, any_special, _SEPARATOR + rb"\0" + _SEPARATOR)
    for token in longest_first:
        mark = _mark(special_tokens.index(token) + 1)
        texts = tf.strings.regex_replace(texts, re.escape(token), _SEPARATOR + mark + _SEPARATOR)
    texts = tf.strings.regex_replace(texts, _LAST_SPACE, rb"\1" + _SEPARATOR + rb"\2")
    texts = tf.strings.regex_replace(texts, _WORD, rb"\0" + _SEPARATOR)
    return tf.strings.split(texts, _SEPARATOR)


class MergeWords(tf.Module):
    """Words to token ids.

    Most words are tokens. They, and the marks of special tokens, are looked up; SentencePiece
    merges the rest. Words repeat, so each different one is merged once.

    Args:
        token_bytes: V byte strings in the order of the ids.
        ranks: when each token comes about, by id: 0 for single bytes, then the merges. A token
            without a rank comes out of no text.
        special_ids: ids of the special tokens that `split_words` looks for, in its order.
    """

    def __init__(
        self, token_bytes: Sequence[bytes], ranks: Mapping[int, int], special_ids: Sequence[int]
    ):
        super().__init__()
        id_of_word = {token_bytes[token_id]: token_id for token_id in ranks}
        id_of_word |= {_mark(number): token_id for number, token_id in enumerate(special_ids, 1)}
        self._model = _sentencepiece_model(token_bytes, ranks)
        with tf.init_scope():
            self._whole_words = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    list(id_of_word), list(id_of_word.values()), tf.string, tf.int32
                ),
                default_value=_NOT_A_TOKEN,
            )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Returns int32 ids of shape `(W, None)` for W words, strings of shape `(W,)`."""
        # Made in this graph, not once outside: the model lives as long as the operation that
        # loads it, and tf.random.set_seed() throws away all operations outside of graphs.
        sentencepiece = tf_text.SentencepieceTokenizer(self._model)
        words, index = tf.unique(words)
        token_ids = self._whole_words.lookup(words)
        known = token_ids != _NOT_A_TOKEN
        whole = tf.RaggedTensor.from_row_lengths(token_ids[known], tf.cast(known, tf.int64))
        others = tf.strings.regex_replace(tf.where(known, "", words), r"\x00", _ZERO_BYTES)
        return tf.gather(tf.concat([whole, sentencepiece.tokenize(others)], axis=1), index)


def _sentencepiece_model(token_bytes: Sequence[bytes], ranks: Mapping[int, int]) -> bytes:
    """Writes a vocabulary as a SentencePiece model that merges the bytes of one word.

    SentencePiece joins the two neighbours whose concatenation has the highest score, the leftmost
    first. That is BPE's order if a score is minus the rank of the merge.
    """
    model = sentencepiece_proto.ModelProto()
    model.trainer_spec.model_type = model.trainer_spec.BPE
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = False
    model.normalizer_spec.precompiled_charsmap = _character_map()
    for token_id, symbols in enumerate(token_bytes):
        if token_id in ranks:
            model.pieces.add(piece=_piece(symbols), score=-ranks[token_id])
        else:
            model.pieces.add(piece=f"{_UNREACHABLE}{token_id}", score=0.0)
    model.pieces.add(piece=_UNREACHABLE, type=model.SentencePiece.UNKNOWN)
    return model.SerializeToString()


def _piece(symbols: bytes) -> str:
    return symbols.decode("latin-1").replace("\0", _ZERO_CHARACTER)


def _character_map() -> bytes:
    """SentencePiece's format: size of the trie, trie, then its values, each ended by a zero."""
    characters = {bytes([byte]): chr(byte) for byte in range(0x80, 0x100)}
    characters[_ZERO_BYTES] = _ZERO_CHARACTER
    values, leaves = b"", {}
    for key, character in characters.items():
        leaves[key] = len(values)
        values += character.encode() + b"\0"
    trie = _double_array(leaves)
    return struct.pack("<I", len(trie)) + trie + values


def _double_array(leaves: dict[bytes, int]) -> bytes:
    """A trie as Darts-clone reads it, with a block of 256 units for the children of each node.

    A unit is `its byte | has a value << 8 | (its position ^ its children's block) << 10`, the
    value of a node lies at byte 0 of its block, and bit 31 marks values and vacant units.
    """
    nodes = sorted({key[:length] for key in leaves for length in range(len(key) + 1)})
    block = {node: 256 * index for index, node in enumerate(nodes, start=1)}
    units = np.full(256 * (len(nodes) + 1), 1 << 31, "<u4")
    for node in nodes:
        position = block[node[:-1]] + node[-1] if node else 0
        byte = node[-1] if node else 0
        units[position] = byte | (node in leaves) << 8 | (position ^ block[node]) << 10
        if node in leaves:
            units[block[node]] |= leaves[node]
    return units.tobytes()
