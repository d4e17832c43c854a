import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfzoo.preprocessing import ByteTokenizer


def test_ids_are_the_bytes():
    tokenizer = ByteTokenizer()
    rows = tokenizer.tokenize(["Hé", "", "\x00 z"])
    assert rows.dtype == tf.int32
    assert rows.to_list() == [[72, 0xC3, 0xA9], [], [0, 32, 122]]
    assert tokenizer.tokenize("é").numpy().tolist() == [0xC3, 0xA9]
    assert (tokenizer.vocabulary_size, tokenizer.special_tokens) == (257, ("<|endoftext|>",))
    specials = tokenizer.start_token_id, tokenizer.end_token_id, tokenizer.padding_token_id
    assert specials == (256, 256, 256)
    assert tokenizer.token_bytes == (*(bytes([byte]) for byte in range(256)), b"")


def test_text_of_a_special_token_is_ordinary_text():
    assert ByteTokenizer()("<|endoftext|>").numpy().tolist() == list(b"<|endoftext|>")


@given(st.lists(st.binary(), max_size=5))
def test_detokenize_inverts_tokenize(texts):
    tokenizer = ByteTokenizer()
    assert tokenizer.detokenize(tokenizer.tokenize(texts)).numpy().tolist() == texts


def test_alphabet_numbers_its_bytes_in_order():
    tokenizer = ByteTokenizer("dab")
    assert tokenizer.tokenize(["bad", "abacus"]).to_list() == [[2, 1, 0], [1, 2, 1, 4, 4, 4]]
    assert tokenizer.detokenize([[2, 1, 0], [1, 4, 3, 2]]).numpy().tolist() == [b"bad", b"ab"]
    assert tokenizer.special_tokens == ("<|endoftext|>", "<|unknown|>")
    assert tokenizer.token_to_id("<|unknown|>") == 4
    assert tokenizer.end_token_id == 3
    assert tokenizer.token_bytes == (b"d", b"a", b"b", b"", b"")


def test_from_texts_collects_the_bytes_in_their_order():
    tokenizer = ByteTokenizer.from_texts(["hello", "é!"])
    assert tokenizer.token_bytes[:-2] == (b"!", b"e", b"h", b"l", b"o", b"\xa9", b"\xc3")
    assert tokenizer.id_to_token(5) == "<0xA9>"
    assert [tokenizer.token_to_id(name) for name in ("!", "o", "<0xC3>")] == [0, 4, 6]
    assert ByteTokenizer.from_texts("hello").token_bytes[:-2] == (b"e", b"h", b"l", b"o")


def test_65_symbols_need_67_ids():
    assert ByteTokenizer(range(65)).vocabulary_size == 67


@pytest.mark.parametrize("alphabet", [None, b"\x00\xff z", [7, 3, 251]])
def test_config_and_files_round_trip(tmp_path, alphabet):
    tokenizer = ByteTokenizer(alphabet)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(tokenizer)))
    tokenizer.save(tmp_path / "new" / "folder")
    for copy in (
        keras.saving.deserialize_keras_object(config),
        ByteTokenizer.load(tmp_path / "new" / "folder"),
    ):
        assert copy.token_bytes == tokenizer.token_bytes
        every_byte = bytes(range(256))
        np.testing.assert_array_equal(copy(every_byte), tokenizer(every_byte))
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == [
        "byte_tokenizer.json"
    ]


@pytest.mark.parametrize("alphabet", ["", "aba", "é", [256], [1.5], 3])
def test_alphabet_must_be_different_bytes(alphabet):
    with pytest.raises(ValueError, match="`alphabet` must .*; received"):
        ByteTokenizer(alphabet)


def test_from_texts_needs_a_byte():
    with pytest.raises(ValueError, match="`texts` must contain at least one byte"):
        ByteTokenizer.from_texts(["", ""])


def test_load_names_the_file_that_is_missing_cut_or_strange(tmp_path):
    path = tmp_path / "byte_tokenizer.json"
    with pytest.raises(FileNotFoundError, match="byte_tokenizer.json does not exist"):
        ByteTokenizer.load(tmp_path)
    path.write_text('{"alphabet": [1, 2')
    with pytest.raises(ValueError, match="byte_tokenizer.json must be JSON, but it ends"):
        ByteTokenizer.load(tmp_path)
    path.write_text('{"letters": [1, 2]}')
    with pytest.raises(ValueError, match="byte_tokenizer.json must hold an object"):
        ByteTokenizer.load(tmp_path)
