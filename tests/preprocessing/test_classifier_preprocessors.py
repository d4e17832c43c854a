"""Texts, pairs and words with tags between special tokens, by hand."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.preprocessing import (
    TextClassifierPreprocessor,
    TokenClassifierPreprocessor,
    WordPieceTokenizer,
)

TOKENS = "[PAD] [UNK] [CLS] [SEP] a b c d ##e ##f : ! 3 30".split()
PAD, UNK, CLS, SEP, A, B, C, D, E, F, COLON, BANG, THREE, THIRTY = range(14)


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(TOKENS)


def test_single_texts(tokenizer):
    x = TextClassifierPreprocessor(tokenizer, 5)(["a be", "", "a b c d a b"])
    assert x["token_ids"].numpy().tolist() == [
        [CLS, A, B, E, SEP],
        [CLS, SEP, PAD, PAD, PAD],
        [CLS, A, B, C, SEP],
    ]
    assert x["segment_ids"].numpy().tolist() == [[0] * 5] * 3
    assert x["padding_mask"].numpy().sum(axis=1).tolist() == [5, 2, 5]
    rows = TextClassifierPreprocessor(tokenizer, 5).rows(["a be", ""])
    assert rows["token_ids"].to_list() == [[CLS, A, B, E, SEP], [CLS, SEP]]
    assert rows["padding_mask"].to_list() == [[True] * 5, [True] * 2]


def longest_first(first, second, room):
    """Hugging Face's way: take from the longer one until both fit; from the second if equal."""
    while len(first) + len(second) > room:
        longer = first if len(first) > len(second) else second
        longer.pop()
    return first, second


def test_pairs_are_cut_from_the_longer_text_first(tokenizer):
    names = "abcd"
    sizes = list(itertools.product(range(9), repeat=2))
    pairs = [[" ".join(itertools.islice(itertools.cycle(names), n)) for n in two] for two in sizes]
    for length in (7, 10):
        rows = TextClassifierPreprocessor(tokenizer, length).rows(pairs)
        for row, segments, pair in zip(
            rows["token_ids"].to_list(), rows["segment_ids"].to_list(), pairs, strict=True
        ):
            first, second = longest_first(
                *([TOKENS.index(w) for w in text.split()] for text in pair), length - 3
            )
            assert row == [CLS, *first, SEP, *second, SEP]
            assert segments == [0] * (len(first) + 2) + [1] * (len(second) + 1)


@pytest.mark.parametrize("texts", [["a", "b c", ""], [["a b", "c"], ["", "d"]]])
def test_eager_equals_tf_data(tokenizer, texts):
    preprocessor = TextClassifierPreprocessor(tokenizer, 6)
    (piped,) = tf.data.Dataset.from_tensors(tf.constant(texts)).map(preprocessor)
    tf.nest.map_structure(np.testing.assert_array_equal, piped, preprocessor(texts))


def test_the_first_piece_carries_the_label_and_parts_of_a_word_go_on_with_it(tokenizer):
    preprocessor = TokenClassifierPreprocessor(tokenizer, 9)
    words = tf.ragged.constant([["a", "bef", "3:30", "!"], [], ["d", "\u0007", "c"]])
    tags = tf.ragged.constant([[0, 3, 1, 4], [], [2, 0, 1]], tf.int32)
    x, targets, weights = preprocessor.align(words, tags)
    assert x["token_ids"].to_list() == [
        [CLS, A, B, E, F, THREE, COLON, THIRTY, SEP],
        [CLS, SEP],
        [CLS, D, UNK, C, SEP],
    ]
    # `##e` and `##f` carry nothing; `:` and `30` carry the I- of the word's B-.
    assert targets.to_list() == [[0, 0, 3, 0, 0, 1, 2, 2, 0], [0, 0], [0, 2, 0, 1, 0]]
    assert weights.to_list() == [[0, 1, 1, 0, 0, 1, 1, 1, 0], [0, 0], [0, 1, 1, 1, 0]]
    same, is_first = preprocessor.words(words)
    assert same["token_ids"].to_list() == x["token_ids"].to_list()
    assert is_first.to_list() == [
        [False, True, True, False, False, True, False, False, False],
        [False, False],
        [False, True, True, True, False],
    ]


def test_raw_texts_know_where_their_words_are(tokenizer):
    found = TokenClassifierPreprocessor(tokenizer, 7).locate(["\u00e0 bef! 3:30", ""])
    assert found.x["token_ids"].to_list() == [[CLS, A, B, E, F, BANG, SEP], [CLS, SEP]]
    assert found.begins_word.to_list() == [
        [False, True, True, False, False, True, False],
        [False, False],
    ]
    assert found.starts.to_list() == [[0, 0, 2, 3, 4, 5, 0], [0, 0]]
    assert found.ends.to_list() == [[0, 1, 3, 4, 5, 6, 0], [0, 0]]


def test_words_of_the_data_and_of_raw_texts_look_alike(tokenizer):
    preprocessor = TokenClassifierPreprocessor(tokenizer)
    words = tf.ragged.constant([["a", "3:30", "cef", "d!"]])
    x, _, weights = preprocessor.align(words, tf.ragged.constant([[0, 0, 0, 0]], tf.int32))
    found = preprocessor.locate(["a 3:30 cef d!"])
    assert found.x["token_ids"].to_list() == x["token_ids"].to_list()
    assert found.begins_word.to_list() == tf.cast(weights, tf.bool).to_list()


@pytest.mark.parametrize("kind", [TextClassifierPreprocessor, TokenClassifierPreprocessor])
def test_config_and_bad_arguments(tokenizer, kind):
    saved = keras.saving.serialize_keras_object(kind(tokenizer, 7))
    twin = keras.saving.deserialize_keras_object(saved)
    assert twin(["a be d c a b"])["token_ids"].shape == (1, 7)
    with pytest.raises(ValueError, match="must have a token to start .* received a WordPiece"):
        kind(WordPieceTokenizer(["[UNK]", "a"]))
    with pytest.raises(ValueError, match="`sequence_length` must be more than .*; received 2"):
        kind(tokenizer, 2)


def test_bad_shapes_get_a_sentence(tokenizer):
    with pytest.raises(ValueError, match=r"pairs of them of shape \(B, 2\); received shape"):
        TextClassifierPreprocessor(tokenizer).rows([["a", "b", "c"]])
