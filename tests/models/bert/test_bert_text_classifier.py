"""What is a text classifier's own: labels, weights, pairs, answers. The laws do the rest."""

import keras
import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf

from tfzoo.models import BertBackbone, BertTextClassifier
from tfzoo.preprocessing import TextClassifierPreprocessor, WordPieceTokenizer

TOKENS = "[PAD] [UNK] [CLS] [SEP] a b c d e ##f".split()
TEXTS = ["a b", "b", "c d e", "d", "a a b a", "d d c d d", "b b", "e c"]
LABELS = ["low", "low", "high", "high", "low", "high", "low", "high"]


def build(class_names=("low", "high"), dropout=0.0, **arguments):
    keras.utils.set_random_seed(3)
    backbone = BertBackbone(len(TOKENS), 1, 2, hidden_dim=14, intermediate_dim=19, dropout=0.0)
    preprocessor = TextClassifierPreprocessor(WordPieceTokenizer(TOKENS), 11)
    return BertTextClassifier(backbone, preprocessor, class_names, dropout=dropout, **arguments)


@pytest.fixture(scope="module")
def trained():
    model = build()
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(TEXTS, LABELS, batch_size=3, epochs=25, verbose=0)
    return model


def test_fit_on_raw_texts_learns_and_answers_in_order(trained):
    answers = trained.classify(TEXTS, batch_size=3)
    assert [answer[0].name for answer in answers] == LABELS
    for answer in answers:
        assert answer[0].probability >= answer[1].probability
        assert sum(one.probability for one in answer) == pytest.approx(1)
    (best,) = trained.classify("a b a", top_k=1)
    assert best.name == "low" and best.probability > 0.9
    logits = trained.predict(TEXTS, batch_size=3, verbose=0)
    expected = tf.nn.softmax([trained(trained.preprocessor([text]))[0] for text in TEXTS])
    np.testing.assert_allclose(tf.nn.softmax(logits), expected, atol=1e-5)
    found = [dict(answer)["low"] for answer in answers]
    np.testing.assert_allclose(found, expected[:, 0], atol=1e-5)


def test_who_only_reads_need_not_compile_and_xla_does_not_for_each_length(trained):
    fresh = BertTextClassifier(trained.backbone, trained.preprocessor, class_names=("low", "high"))
    before = fresh.predict(["a", "bad cab " * 3], verbose=0)
    assert not fresh.jit_compile
    fresh.compile()
    np.testing.assert_allclose(fresh.predict(["a", "bad cab " * 3], verbose=0), before, atol=1e-6)


def test_every_form_of_examples_is_the_same(trained):
    numbers = [["low", "high"].index(label) for label in LABELS]
    dataset = tf.data.Dataset.from_tensor_slices((TEXTS, LABELS))
    logs = [
        trained.evaluate(x, y, batch_size=3, return_dict=True, verbose=0)
        for x, y in [
            (TEXTS, LABELS),
            (np.array(TEXTS), numbers),
            (tf.constant(TEXTS), np.array(numbers)),
            (dataset, None),
        ]
    ]
    for other in logs[1:]:
        assert other == pytest.approx(logs[0])


@pytest.mark.parametrize("multi_label", [False, True])
def test_evaluate_is_global_on_replicas_and_uneven_batches(two_replicas, multi_label):
    rng = np.random.default_rng(2)
    names = ["x", "y", "z"]
    labels = rng.integers(0, 3, 8) if not multi_label else (rng.random((8, 3)) < 0.4).astype(int)
    with two_replicas.scope():
        model = build(names, multi_label=multi_label)
        for variable in model.trainable_variables:
            variable.assign(variable + rng.normal(0, 0.5, variable.shape))
        model.compile()
    logs = model.evaluate(TEXTS, labels, batch_size=3, return_dict=True, verbose=0)
    logits = np.concatenate([model(model.preprocessor([text])) for text in TEXTS])
    predicted = logits > 0 if multi_label else logits.argmax(-1)
    assert logs["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(labels, predicted))
    expected = sklearn.metrics.f1_score(labels, predicted, average="macro", zero_division=0)
    assert logs["macro_f1"] == pytest.approx(expected)
    if multi_label:
        nats = np.logaddexp(0, -logits) * labels + np.logaddexp(0, logits) * (1 - labels)
        assert logs["loss"] == pytest.approx(nats.mean(), rel=1e-5)
    else:
        log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        assert logs["loss"] == pytest.approx(-log_probs[range(8), labels].mean(), rel=1e-5)


def test_fit_on_raw_texts_is_equal_on_replicas(two_replicas):
    weights = []
    for strategy in (tf.distribute.OneDeviceStrategy("CPU:0"), two_replicas):
        with strategy.scope():
            model = build()
            model.compile(keras.optimizers.SGD(0.5), class_weight={"low": 3.0})
        # 8 rows in batches of 3: the last batch of an epoch leaves a replica without any.
        model.fit(TEXTS[:7], LABELS[:7], batch_size=3, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_class_weights_count_examples_more_than_once():
    weighted, repeated = build(), build()
    weighted.compile(keras.optimizers.SGD(0.5), class_weight={"high": 2.0})
    repeated.compile(keras.optimizers.SGD(0.5))
    twice = [n for n, label in enumerate(LABELS) for _ in range(1 + (label == "high"))]
    weighted.fit(TEXTS, LABELS, batch_size=8, verbose=0)
    repeated.fit([TEXTS[n] for n in twice], [LABELS[n] for n in twice], batch_size=12, verbose=0)
    for one, two in zip(weighted.get_weights(), repeated.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_multi_label_learns_sets():
    labels = [["has a"], [], ["has d", "has e"], ["has d"], ["has a"], ["has d"], [], ["has e"]]
    model = build(["has a", "has d", "has e"], multi_label=True, pooling="cls")
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(TEXTS, labels, batch_size=8, epochs=40, verbose=0)
    found = [{one.name for one in row if one.probability > 0.5} for row in model.classify(TEXTS)]
    assert found == [set(names) for names in labels]
    logs = model.evaluate(TEXTS, labels, return_dict=True, verbose=0)
    assert logs["accuracy"] == logs["macro_f1"] == 1


def test_pairs_are_read_with_their_segments(trained):
    pairs = [("a", "b c"), ("b c", "a"), ("d", "")]
    rows = [
        {"token_ids": [[2, 4, 3, 5, 6, 3]], "segment_ids": [[0, 0, 0, 1, 1, 1]]},
        {"token_ids": [[2, 5, 6, 3, 4, 3]], "segment_ids": [[0, 0, 0, 0, 1, 1]]},
        {"token_ids": [[2, 7, 3, 3]], "segment_ids": [[0, 0, 0, 1]]},
    ]
    expected = np.concatenate([trained({k: np.array(v) for k, v in row.items()}) for row in rows])
    np.testing.assert_allclose(trained.predict(pairs, verbose=0), expected, atol=1e-5)
    assert np.abs(expected[0] - expected[1]).max() > 1e-3


def test_label_weights_of_multi_label_by_hand():
    model = build(multi_label=True)
    model.compile(class_weight={"high": 3.0})
    labels = [["low"], ["high"], [], ["low", "high"]]
    logs = model.evaluate(TEXTS[:4], labels, return_dict=True, verbose=0)
    logits = np.concatenate([model(model.preprocessor([text])) for text in TEXTS[:4]])
    truth = np.array([[1, 0], [0, 1], [0, 0], [1, 1]])
    nats = np.logaddexp(0, -logits) * truth + np.logaddexp(0, logits) * (1 - truth)
    assert logs["loss"] == pytest.approx((nats @ [0.25, 0.75]).mean(), rel=1e-5)


def test_layer_decay_slows_lower_layers():
    model = build()
    model.compile(learning_rate=1e-2, layer_decay=0.5)
    before = {v.path: v.numpy() for v in model.trainable_variables}
    model.fit(TEXTS, LABELS, batch_size=8, verbose=0)
    # Adam's first step is the learning rate long, wherever the gradient is not tiny; decay is 0.01.
    for part, factor in [("head/kernel", 1), ("block_0", 0.5), ("token_embedding", 0.25)]:
        moved = [
            np.abs(v.numpy() - before[v.path]).max()
            for v in model.trainable_variables
            if part in v.path and "kernel" in v.path + "kernel" * (part == "token_embedding")
        ]
        assert max(moved) == pytest.approx(1e-2 * factor, rel=0.15)


def test_a_preset_of_a_backbone_gets_a_new_head(tmp_path, trained):
    trained.save_to_preset(tmp_path / "preset")
    model = BertTextClassifier.from_preset(tmp_path / "preset", class_names=["x", "y", "z"])
    assert model.classify("a b")[0].name in "xyz"
    x = trained.preprocessor(TEXTS)
    np.testing.assert_array_equal(
        model.backbone(x)["sequence_output"], trained.backbone(x)["sequence_output"]
    )
    again = BertTextClassifier.from_preset(tmp_path / "preset")
    for ours, theirs in zip(again.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # Graphs traced for other lengths before may round differently.
    for ours, theirs in zip(again.classify(TEXTS), trained.classify(TEXTS), strict=True):
        assert [found.name for found in ours] == [found.name for found in theirs]
        np.testing.assert_allclose([x[1] for x in ours], [x[1] for x in theirs], rtol=1e-5)


def fit(x, y, **arguments):
    model = build(**arguments)
    model.compile()
    model.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (lambda: fit(TEXTS, ["odd"] * 8), "The label 'odd' of example 0 must be one of the 2"),
        (lambda: fit(TEXTS, [2] * 8), "The label 2 of example 0 must be one of the 2"),
        (lambda: fit(TEXTS, ["low"] * 8), "1 of 2 have none, the first is 'high'"),
        (lambda: fit(TEXTS, LABELS[:-1]), "one label for each of the 8 texts; received 7"),
        (lambda: fit(TEXTS, None), "one label for each of the 8 texts; received None"),
        (lambda: fit([], []), "`x` must hold at least one text"),
        (lambda: fit(TEXTS, LABELS, multi_label=True), "the labels of an example are a list"),
        (
            lambda: fit(TEXTS, np.ones([8, 3]), multi_label=True),
            r"must be 0 or 1, of shape \(N, 2\); received shape \(8, 3\)",
        ),
        (lambda: build([]), "`class_names` must be a list of at least one name"),
        (lambda: build("ab"), "`class_names` must be a list of at least one name"),
        (lambda: build(["a", "a"]), "`class_names` must be strings that differ"),
        (lambda: build(pooling="max"), '`pooling` must be "mean", or "cls" .* received \'max\''),
        (lambda: build().compile(layer_decay=1.5), r"`layer_decay` must be in \(0, 1\]"),
        (lambda: build().compile(class_weight={"odd": 1}), "`class_weight` must map names"),
        (lambda: build().compile(gradient_accumulation=0), "must be an int, 1 or more; .* 0"),
        (lambda: build().classify("a", top_k=3), "`top_k` must be from 1 to 2.* received 3"),
        (
            lambda: BertTextClassifier(build().backbone, class_names=["a"]).classify("a"),
            "has none. Pass one to the constructor",
        ),
    ],
)
def test_bad_input_gets_a_sentence(action, sentence):
    with pytest.raises(ValueError, match=sentence):
        action()
