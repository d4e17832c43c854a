"""Documents longer than the window: every task reads them to their end, in bounded memory."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.models import (
    BertBackbone,
    BertQuestionAnswerer,
    BertTextClassifier,
    BertTextEmbedder,
    BertTokenClassifier,
)
from tfzoo.models.bert import long_documents
from tfzoo.preprocessing import (
    QuestionAnsweringPreprocessor,
    SlidingWindows,
    TextClassifierPreprocessor,
    TokenClassifierPreprocessor,
    WordPieceTokenizer,
)

LETTERS = "abcdefghijklm"
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS]
SLIDING = SlidingWindows(window=7, stride=3)
DOCUMENT = "d e f g h i j k l m a c e".split()
# What windows of five tokens see of thirteen, three steps apart, the last one full.
WINDOWS = [(0, 5), (3, 8), (6, 11), (8, 13)]


@pytest.fixture(scope="module")
def backbone():
    """V 18, L 2, H 2, D 14; reads 7 tokens at once, and not one more."""
    keras.utils.set_random_seed(9)
    backbone = BertBackbone(len(TOKENS), 2, 2, 14, 17, dropout=0.0, max_sequence_length=7)
    for variable in backbone.trainable_variables:
        variable.assign(variable + np.random.default_rng(1).normal(0, 0.2, variable.shape))
    return backbone


def text_classifier(backbone):
    preprocessor = TextClassifierPreprocessor(WordPieceTokenizer(TOKENS), 7)
    return BertTextClassifier(backbone, preprocessor, ["x", "y", "z"], long_documents=SLIDING)


def token_classifier(backbone):
    preprocessor = TokenClassifierPreprocessor(WordPieceTokenizer(TOKENS), 7)
    return BertTokenClassifier(backbone, preprocessor, ["x"], long_documents=SLIDING)


def window_vectors(backbone, words):
    """What the network makes of `[CLS] words [SEP]`, without the special tokens' vectors."""
    ids = [2, *(5 + LETTERS.index(word) for word in words), 3]
    return backbone({"token_ids": tf.constant([ids])})["sequence_output"][0].numpy()


def test_a_text_gets_the_mean_of_its_windows(backbone):
    model = text_classifier(backbone)
    vectors = [window_vectors(backbone, DOCUMENT[a:b]).mean(axis=0) for a, b in WINDOWS]
    expected = np.mean(vectors, axis=0) @ model.head.kernel + model.head.bias
    texts = ["a b", " ".join(DOCUMENT), ""]
    logits = model.predict(texts, verbose=0)
    np.testing.assert_allclose(logits[1], expected, atol=1e-5)
    short = window_vectors(backbone, ["a", "b"]).mean(axis=0) @ model.head.kernel
    np.testing.assert_allclose(logits[0], short + model.head.bias, atol=1e-5)
    found = dict(model.classify(texts)[1])
    np.testing.assert_allclose([found[name] for name in "xyz"], tf.nn.softmax(expected), atol=1e-5)
    served, _ = model.serving_functions()["classify"]
    np.testing.assert_allclose(
        served(tf.constant(texts))["probabilities"][1], tf.nn.softmax(expected), atol=1e-5
    )


def test_a_token_gets_the_mean_over_the_windows_that_see_it(backbone):
    model = token_classifier(backbone)
    sums, counts = np.zeros([13, 14]), np.zeros([13, 1])
    for a, b in WINDOWS:
        sums[a:b] += window_vectors(backbone, DOCUMENT[a:b])[1:-1]
        counts[a:b] += 1
    expected = (sums / counts) @ model.head.kernel + model.head.bias
    x = model._attached()(["a b", " ".join(DOCUMENT)])
    logits = model(x)
    np.testing.assert_allclose(logits[1, 1:-1], expected, atol=1e-5)
    short = window_vectors(backbone, ["a", "b"])[1:-1] @ model.head.kernel + model.head.bias
    np.testing.assert_allclose(logits[0, 1:3], short, atol=1e-5)


def test_entities_are_found_to_the_end_of_a_document(backbone):
    model = token_classifier(BertBackbone.from_config(backbone.get_config()))
    words = [DOCUMENT[n % 13] for n in range(140)]
    tags = ["B-x" if word in "agm" else "O" for word in words]
    model.compile(keras.optimizers.Adam(0.02))
    model.fit([words], [tags], epochs=20, verbose=0)
    assert model.tag_words([words]) == [tags]
    assert model.evaluate([words], [tags], return_dict=True, verbose=0)["entity_f1"] == 1
    entities = model.tag(" ".join(words))
    assert [entity.start // 2 for entity in entities] == [
        place for place, tag in enumerate(tags) if tag == "B-x"
    ]


def test_every_token_and_every_text_counts_once_in_training(backbone):
    tokens = [[2, *range(5, 18), 3], [2, 6, 3], [2, 3]]
    x = {"token_ids": tf.ragged.constant(tokens, tf.int32)}
    rows, targets, weights = long_documents.text_training_rows(x, [7, 8, 9], SLIDING)
    assert targets.numpy().tolist() == [7, 7, 7, 7, 8, 9]
    assert weights.numpy().tolist() == [0.25] * 4 + [1, 1]
    assert rows["token_ids"][1].numpy().tolist() == [2, *range(8, 13), 3]

    tags = tf.ragged.constant([[0, *range(100, 113), 0], [0, 200, 0], [0, 0]], tf.int32)
    given = tf.cast(tags > 0, tf.float32) * 2
    rows, targets, weights = long_documents.token_training_rows(x, tags, given, SLIDING)
    assert targets[2].numpy().tolist() == [0, *range(106, 111), 0]
    assert rows["token_ids"].row_lengths().numpy().tolist() == [7, 7, 7, 7, 3, 2]
    total = {}
    for tag, weight in zip(targets.flat_values.numpy(), weights.flat_values.numpy(), strict=True):
        total[tag] = total.get(tag, 0) + weight
    assert total.pop(0) == 0 and set(total.values()) == {2}


def test_fit_on_long_texts_learns_what_stands_at_their_end(backbone):
    rng = np.random.default_rng(3)
    texts = [" ".join([*rng.choice([*"defg"], 20), end]) for end in "abc" * 4]
    model = text_classifier(BertBackbone.from_config(backbone.get_config()))
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(texts, list("xyz" * 4), batch_size=32, epochs=30, verbose=0)
    assert model.evaluate(texts, list("xyz" * 4), return_dict=True, verbose=0)["accuracy"] == 1


@pytest.mark.parametrize("task", ["classify", "tag", "embed", "answer"])
def test_a_long_document_is_read_32_windows_at_a_time(backbone, task, monkeypatch):
    backbone = BertBackbone.from_config({**backbone.get_config(), "max_sequence_length": 203})
    tokenizer, sliding = WordPieceTokenizer(TOKENS), SlidingWindows(203, 180)
    model = {
        "classify": lambda: BertTextClassifier(
            backbone, TextClassifierPreprocessor(tokenizer, 9), ["x"], long_documents=sliding
        ),
        "tag": lambda: BertTokenClassifier(
            backbone, TokenClassifierPreprocessor(tokenizer, 9), ["x"], long_documents=sliding
        ),
        "embed": lambda: BertTextEmbedder(
            backbone, TextClassifierPreprocessor(tokenizer, 9), long_documents=sliding
        ),
        "answer": lambda: BertQuestionAnswerer(
            backbone, QuestionAnsweringPreprocessor(tokenizer, sliding)
        ),
    }[task]()
    shapes = []
    call = backbone.call

    def counted(inputs, **arguments):
        shapes.append(tuple(inputs["token_ids"].shape))
        return call(inputs, **arguments)

    monkeypatch.setattr(backbone, "call", counted)
    num_words = 100_000 if task == "embed" else 10_000
    text = "a b c d e f g h i j " * (num_words // 10)
    tf.config.run_functions_eagerly(True)
    try:
        getattr(model, task)(*(["k", text] if task == "answer" else [text]))
    finally:
        tf.config.run_functions_eagerly(False)
    room = 203 - (4 if task == "answer" else 2)
    num_rows, lengths = zip(*shapes, strict=True)
    assert max(num_rows) == 32 and set(lengths) == {203}
    assert sum(num_rows) == 1 + -(-(num_words - room) // 180)


def test_what_cannot_be_gets_a_sentence(backbone):
    with pytest.raises(ValueError, match="window of `long_documents` must be at most 7"):
        BertTextClassifier(backbone, None, ["x"], long_documents=SlidingWindows(8, 3))
    model = text_classifier(backbone)
    model.compile()
    with pytest.raises(ValueError, match="`x` must be single texts where there are"):
        model.fit([("a", "b")] * 3, ["x", "y", "z"])
