"""What holds for every tokenizer."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.preprocessing import ByteTokenizer, Tokenizer

# The tests of this file run over both.
KINDS = ["bytes", "byte pairs"]


@pytest.fixture(params=KINDS)
def any_tokenizer(request, tokenizer):
    return ByteTokenizer() if request.param == "bytes" else tokenizer


def test_eager_function_and_data_agree(any_tokenizer, hard_texts):
    texts = list(hard_texts.values())
    expected = any_tokenizer.tokenize(texts).to_list()
    assert tf.function(any_tokenizer.tokenize)(tf.constant(texts)).to_list() == expected
    one_by_one = tf.data.Dataset.from_tensor_slices(texts).map(any_tokenizer.tokenize)
    assert [ids.numpy().tolist() for ids in one_by_one] == expected
    batched = tf.data.Dataset.from_tensor_slices(texts).batch(7).map(any_tokenizer.tokenize)
    assert [row for rows in batched for row in rows.to_list()] == expected
    assert [any_tokenizer(text).numpy().tolist() for text in texts] == expected


def test_seeding_changes_nothing(any_tokenizer):
    texts = tf.constant(["One seed", "sows  another"])
    tokenize = tf.function(any_tokenizer.tokenize)
    rows = iter(tf.data.Dataset.from_tensors(texts).repeat(2).map(any_tokenizer.tokenize))
    expected = [any_tokenizer(texts).to_list(), tokenize(texts).to_list(), next(rows).to_list()]
    keras.utils.set_random_seed(11)
    after = [any_tokenizer(texts).to_list(), tokenize(texts).to_list(), next(rows).to_list()]
    assert after == expected


class _Served(tf.Module):
    def __init__(self, tokenizers):
        super().__init__()
        self.tokenizers = tokenizers

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def tokenize(self, texts):
        return [tokenizer.tokenize(texts) for tokenizer in self.tokenizers]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def round_trip(self, texts):
        return [tokenizer.detokenize(tokenizer(texts)) for tokenizer in self.tokenizers]


# Seeding throws away TensorFlow's cached operations, and with them what only they keep alive.
_IN_A_FRESH_PROCESS = """
import json, sys
sys.modules["tfzoo"] = sys.modules["tokenizers"] = sys.modules["sentencepiece"] = None
import tensorflow as tf, tensorflow_text
served = tf.saved_model.load(sys.argv[1])
texts = tf.constant(json.loads(sys.stdin.read()))
ids = [rows.to_list() for rows in served.tokenize(texts)]
tf.random.set_seed(7)
texts = [[text.decode() for text in back.numpy()] for back in served.round_trip(texts)]
print(json.dumps([ids, texts]))
"""


def test_saved_model_agrees_in_a_fresh_process(tmp_path, tokenizer, hard_texts):
    texts = list(hard_texts.values())
    tokenizers = [ByteTokenizer(), tokenizer]
    tf.saved_model.save(_Served(tokenizers), tmp_path / "model")
    command = [sys.executable, "-c", _IN_A_FRESH_PROCESS, str(tmp_path / "model")]
    result = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    ids, round_trips = json.loads(result.stdout)
    assert ids == [tokenizer(texts).to_list() for tokenizer in tokenizers]
    assert round_trips == [texts, texts]


def test_shapes_and_types_of_texts(any_tokenizer):
    expected = any_tokenizer.tokenize(["ab", "c"]).to_list()
    for texts in (("ab", "c"), [b"ab", b"c"], np.array(["ab", "c"]), tf.constant(["ab", "c"])):
        assert any_tokenizer.tokenize(texts).to_list() == expected
    for text in ("ab", b"ab", tf.constant("ab"), np.array("ab")):
        ids = any_tokenizer.tokenize(text)
        assert isinstance(ids, tf.Tensor) and ids.dtype == tf.int32
        assert ids.numpy().tolist() == expected[0]
    none = any_tokenizer.tokenize([])
    assert none.to_list() == [] and none.shape.as_list() == [0, None]


@pytest.mark.parametrize("texts", [1, [1, 2], ["a", None], tf.constant([3]), {"a": "b"}])
def test_texts_must_be_strings(any_tokenizer, texts):
    with pytest.raises(TypeError, match="`texts` must be a string, .*; received"):
        any_tokenizer.tokenize(texts)


@pytest.mark.parametrize("texts", [[["a"]], tf.ragged.constant([["a"], []])])
def test_texts_must_have_at_most_one_axis(any_tokenizer, texts):
    with pytest.raises(ValueError, match=r"a string tensor of shape \(B,\); received"):
        any_tokenizer.tokenize(texts)


def test_detokenize_takes_rows_in_any_form(any_tokenizer):
    rows = [any_tokenizer("to be").numpy().tolist(), any_tokenizer("or").numpy().tolist()]
    padding = any_tokenizer.padding_token_id
    width = max(map(len, rows)) + 2
    dense = np.array([row + [padding] * (width - len(row)) for row in rows])
    for ids in (rows, tf.ragged.constant(rows), dense, tf.constant(dense, tf.int64)):
        assert any_tokenizer.detokenize(ids).numpy().tolist() == [b"to be", b"or"]
    one = any_tokenizer.detokenize(rows[0])
    assert one.shape == () and one.numpy() == b"to be"
    assert any_tokenizer.detokenize([]).numpy() == b""
    assert any_tokenizer.detokenize([[], []]).numpy().tolist() == [b"", b""]


def test_special_tokens_stand_for_no_text(any_tokenizer):
    end = any_tokenizer.end_token_id
    ids = [end, *any_tokenizer("a b").numpy().tolist(), end, any_tokenizer.start_token_id]
    assert any_tokenizer.detokenize(ids).numpy() == b"a b"
    assert any_tokenizer.token_bytes[end] == b""


@pytest.mark.parametrize("ids", [[1.5], "ab", tf.constant([0.0]), ["a"]])
def test_token_ids_must_be_integers(any_tokenizer, ids):
    with pytest.raises(TypeError, match="`token_ids` must be integers"):
        any_tokenizer.detokenize(ids)


@pytest.mark.parametrize("ids", [3, [[[1]]]])
def test_token_ids_must_have_one_or_two_axes(any_tokenizer, ids):
    with pytest.raises(ValueError, match="`token_ids` must be integers of shape"):
        any_tokenizer.detokenize(ids)


def test_token_ids_beyond_the_vocabulary_are_an_error(any_tokenizer):
    size = any_tokenizer.vocabulary_size
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{size} is not in \[0, {size}\)"):
        any_tokenizer.detokenize([size])


def test_tokens_and_ids_are_one_to_one(any_tokenizer):
    size = any_tokenizer.vocabulary_size
    tokens = [any_tokenizer.id_to_token(token_id) for token_id in range(size)]
    assert [any_tokenizer.token_to_id(token) for token in tokens] == list(range(size))
    for token_id in (-1, size):
        with pytest.raises(ValueError, match=rf"`token_id` must be in \[0, {size}\).*{token_id}"):
            any_tokenizer.id_to_token(token_id)
    with pytest.raises(ValueError, match="`token` must be one of .*; received 'no token'"):
        any_tokenizer.token_to_id("no token")


def test_without_special_tokens_there_is_no_start_and_no_end():
    class Letters(Tokenizer):
        pass

    tokenizer = Letters(["a", "b"], [b"a", b"b"], [])
    assert (tokenizer.start_token_id, tokenizer.end_token_id) == (None, None)
    assert tokenizer.padding_token_id == 0


@pytest.mark.parametrize("specials, end", [(["<s>", "<|endoftext|>"], 2), (["</s>", "<s>"], 1)])
def test_end_of_text_is_the_end_or_else_the_first_special_token(specials, end):
    tokenizer = Tokenizer(["a", specials[0], specials[1]], [b"a", b"", b""], specials)
    ids = tokenizer.start_token_id, tokenizer.end_token_id, tokenizer.padding_token_id
    assert ids == (end, end, end)
