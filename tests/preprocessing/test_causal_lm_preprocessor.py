import hypothesis
import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.preprocessing import ByteTokenizer, CausalLMPreprocessor

END = 256
TEXTS = ["ab", "", "cdefg", "é"]  # é is the bytes 195 and 169


class Bare(ByteTokenizer):
    """A tokenizer without special tokens."""

    start_token_id = end_token_id = None


def preprocessor(sequence_length, tokenizer=None):
    return CausalLMPreprocessor(tokenizer or ByteTokenizer(), sequence_length)


def test_packing_by_hand():
    x, targets, weights = preprocessor(5).pack(TEXTS)
    a, b, c, d, e, f, g = range(97, 104)
    assert x["token_ids"].numpy().tolist() == [
        [END, a, b, END, END],
        [c, d, e, f, g],
        [END, 195, 169, 0, 0],
    ]
    assert targets.numpy().tolist() == [
        [a, b, END, END, c],
        [d, e, f, g, END],
        [195, 169, END, 0, 0],
    ]
    documents = [[1, 1, 1, 2, 3], [3, 3, 3, 3, 3], [4, 4, 4, 0, 0]]
    assert x["document_ids"].numpy().tolist() == documents
    assert weights.numpy().tolist() == [[1] * 5, [1] * 5, [1, 1, 1, 0, 0]]


def test_rows_by_hand():
    x, targets, weights = preprocessor(4)(TEXTS)
    a, b, c, d, e, f, _ = range(97, 104)
    assert x["token_ids"].numpy().tolist() == [
        [END, a, b, 0],
        [END, 0, 0, 0],
        [END, c, d, e],
        [END, 195, 169, 0],
    ]
    assert targets.numpy().tolist() == [
        [a, b, END, 0],
        [END, 0, 0, 0],
        [c, d, e, f],
        [195, 169, END, 0],
    ]
    expected = [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]]
    assert x["padding_mask"].numpy().astype(int).tolist() == expected
    assert weights.numpy().tolist() == expected


def pairs(text, tokenizer):
    """Every (input, target) of a text, in order."""
    tokens = list(text.encode())
    if tokenizer.start_token_id is not None:
        tokens = [END, *tokens, END]
    return list(zip(tokens, tokens[1:], strict=False))


@pytest.mark.parametrize("tokenizer", [ByteTokenizer(), Bare()], ids=["start token", "none"])
@hypothesis.given(
    texts=st.lists(st.text(max_size=7), min_size=1, max_size=5), length=st.integers(1, 7)
)
@hypothesis.settings(max_examples=60)
def test_every_token_is_predicted_exactly_once(tokenizer, texts, length):
    x, targets, weights = preprocessor(length, tokenizer).pack(texts)
    flat = [np.ravel(value) for value in (x["document_ids"], x["token_ids"], targets, weights)]
    found = {number: [] for number in range(len(texts) + 1)}
    for document, source, target, weight in zip(*flat, strict=True):
        found[document].append((source, target))
        assert weight == (document > 0)
    padding = found.pop(0)
    assert [found[number + 1] for number in range(len(texts))] == [
        pairs(text, tokenizer) for text in texts
    ]
    # Padding fills up the last row and stands at its end.
    assert len(padding) < length and np.all(flat[0][len(flat[0]) - len(padding) :] == 0)
    assert x["token_ids"].shape == (len(flat[0]) // length, length)


@pytest.mark.parametrize("method", ["pack", "__call__", "prompts"])
@pytest.mark.parametrize("tokenizer", [ByteTokenizer(), Bare()], ids=["start token", "none"])
def test_eager_equals_tf_data(method, tokenizer):
    run = getattr(preprocessor(5, tokenizer), method)
    texts = tf.constant(TEXTS)
    (piped,) = tf.data.Dataset.from_tensors(texts).map(run)
    eager = run(texts)
    tf.nest.map_structure(np.testing.assert_array_equal, piped, eager)
    assert [value.dtype for value in tf.nest.flatten(piped)] == [
        value.dtype for value in tf.nest.flatten(eager)
    ]


def test_prompts_end_together_and_have_no_end_token():
    prompts = preprocessor(5).prompts(["ab", "", "cdefg"])
    assert prompts["token_ids"].numpy().tolist() == [
        [0, 0, 0, END, 97, 98],
        [0, 0, 0, 0, 0, END],
        [END, 99, 100, 101, 102, 103],
    ]
    assert prompts["padding_mask"].numpy().astype(int).tolist() == [
        [0, 0, 0, 1, 1, 1],
        [0, 0, 0, 0, 0, 1],
        [1, 1, 1, 1, 1, 1],
    ]


def test_prompts_without_a_start_token_may_be_empty():
    prompts = preprocessor(5, Bare()).prompts(["ab", ""])
    assert prompts["token_ids"].numpy().tolist() == [[97, 98], [0, 0]]
    assert prompts["padding_mask"].numpy().astype(int).tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize("length", [5, tf.constant(5)])
def test_prompts_of_a_given_length(length):
    prompts = preprocessor(5).prompts(["ab", "c"], length)
    assert prompts["token_ids"].numpy().tolist() == [[0, 0, END, 97, 98], [0, 0, 0, END, 99]]
    assert prompts["padding_mask"].numpy().sum(axis=1).tolist() == [3, 2]


def test_a_prompt_longer_than_the_given_length_gets_a_sentence():
    with pytest.raises(tf.errors.InvalidArgumentError, match="`length` must be at least that of"):
        preprocessor(5).prompts(["abcde"], 5)


def test_without_special_tokens_the_first_token_is_not_predicted():
    inputs, targets = preprocessor(5, Bare()).shift(["abc", "", "d"])
    assert inputs.to_list() == [[97, 98], [], []]
    assert targets.to_list() == [[98, 99], [], []]


def test_comes_back_from_its_config():
    saved = keras.saving.serialize_keras_object(preprocessor(7, ByteTokenizer(alphabet="abcdefg")))
    loaded = keras.saving.deserialize_keras_object(saved)
    assert loaded.sequence_length == 7
    assert loaded.tokenizer.tokenize("cab").numpy().tolist() == [2, 0, 1]


def test_bad_length():
    with pytest.raises(ValueError, match="`sequence_length` must be at least 1; received 0"):
        preprocessor(0)
