"""Guessing what is missing: the texts of the house, in a small model that has learned them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.models import BertBackbone, BertMaskedLM
from tfzoo.preprocessing import MaskedLMPreprocessor, WordPieceTokenizer

TEXTS = ["the cat eats fish", "the dog eats meat", "the cow eats grass"]
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the cat dog cow eats fish meat grass".split()


def make_model(next_sentence=False, dropout=0.0):
    keras.utils.set_random_seed(2)
    backbone = BertBackbone(len(WORDS), 1, 2, 16, dropout=dropout, max_sequence_length=29)
    preprocessor = MaskedLMPreprocessor(
        WordPieceTokenizer(WORDS), 6 + next_sentence, 0.25, next_sentence=next_sentence
    )
    return BertMaskedLM(backbone, preprocessor, next_sentence)


@pytest.fixture(scope="module")
def trained():
    model = make_model()
    model.compile(keras.optimizers.Adam(0.02))
    history = model.fit(TEXTS * 8, batch_size=24, epochs=80, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    return model


def test_it_fills_gaps_with_what_it_read(trained):
    for animal, food in {"cat": "fish", "dog": "meat", "cow": "grass"}.items():
        best = trained.fill_mask(f"the {animal} eats [MASK]", top_k=1)[0]
        assert best.token == food and best.text == f"the {animal} eats {food}"
        assert best.probability > 0.5


def test_gaps_by_hand(trained):
    lists = trained.fill_mask(["[MASK] cat [MASK] fish", "the [MASK] eats meat"], top_k=3)
    token_ids = np.array([[2, 4, 6, 4, 10, 3]], "int32")
    probabilities = tf.nn.softmax(trained({"token_ids": token_ids})[0]).numpy()
    for fillings, place in zip(lists[0], (1, 3), strict=True):
        order = np.argsort(-probabilities[place])[:3]
        assert [f.token for f in fillings] == [WORDS[n] for n in order]
        np.testing.assert_allclose(
            [f.probability for f in fillings], probabilities[place][order], rtol=1e-4
        )
    assert lists[0][1][0].text == f"[MASK] cat {lists[0][1][0].token} fish"
    assert [len(lists), len(lists[1])] == [2, 3]


def test_scores_by_hand(trained):
    text = "the cow eats fish"
    score = trained.score(text)
    ids = trained.preprocessor(["the cow eats fish"])["token_ids"].numpy()
    expected = []
    for place in range(1, 5):
        hidden = ids.copy()
        hidden[0, place] = 4
        logits = trained({"token_ids": hidden})[0, place]
        expected.append(tf.nn.log_softmax(logits).numpy()[ids[0, place]])
    assert score.tokens == text.split()
    np.testing.assert_allclose(score.log_likelihoods, expected, atol=1e-4)
    several = trained.score([text, "", *TEXTS * 9])
    np.testing.assert_allclose(several[0].log_likelihoods, expected, atol=1e-4)
    assert several[1].tokens == []
    assert several[2].log_likelihoods.sum() > score.log_likelihoods.sum()


def test_evaluation_is_always_the_same_and_training_is_not(trained):
    logs = [trained.evaluate(TEXTS * 9, return_dict=True, verbose=0) for _ in range(2)]
    assert logs[0] == logs[1]
    batches, steps = trained.training_batches(TEXTS * 9, None, 27, seed=0)
    assert steps == 1
    first, second = (batch for batch in batches.take(2))
    both = [
        np.sort(tf.concat([x["token_ids"], x["mask_positions"]], 1), 0)
        for x, _, _ in (first, second)
    ]
    assert (both[0] != both[1]).any()
    again = next(iter(trained.training_batches(TEXTS * 9, None, 27, seed=0)[0]))
    np.testing.assert_array_equal(first[0]["token_ids"], again[0]["token_ids"])


def test_a_dataset_of_texts_is_masked_anew_in_each_epoch(trained):
    texts = tf.data.Dataset.from_tensor_slices(TEXTS * 9)
    batches, steps = trained.training_batches(texts, None, 9, seed=0)
    assert steps is None
    first, second = ([x["token_ids"].numpy() for x, _, _ in batches] for _ in range(2))
    assert len(first) == len(second) == 3
    assert any((a != b).any() for a, b in zip(first, second, strict=True))


def test_predict_gives_logits_of_every_token(trained):
    logits = trained.predict(TEXTS, verbose=0)
    assert logits.shape == (3, 6, len(WORDS))
    x = trained.preprocessor(TEXTS)
    np.testing.assert_allclose(logits, trained(x), atol=1e-5)


def test_the_pooler_is_not_touched(trained):
    pooler = trained.backbone.pooler
    assert not {id(v) for v in pooler.weights} & {id(v) for v in trained.trainable_variables}
    np.testing.assert_array_equal(pooler.kernel, make_model().backbone.pooler.kernel)


def next_sentence_batch(rng, rows):
    x = {
        "token_ids": rng.integers(5, len(WORDS), (rows, 6)).astype("int32"),
        "segment_ids": np.tile([0, 0, 0, 1, 1, 1], (rows, 1)).astype("int32"),
        "mask_positions": np.tile([1, 4], (rows, 1)).astype("int32"),
    }
    targets = {
        "mask_ids": rng.integers(5, len(WORDS), (rows, 2)).astype("int32"),
        "next_sentence": rng.integers(0, 2, rows).astype("int32"),
    }
    return x, targets, rng.uniform(0, 2, (rows, 2)).astype("float32")


def test_next_sentences_add_a_loss_of_their_own():
    model = make_model(next_sentence=True)
    model.compile(keras.optimizers.SGD(0.5), max_gradient_norm=None)
    x, targets, weights = data = next_sentence_batch(np.random.default_rng(53), 5)
    variables = model.trainable_variables
    assert len(variables) == len(model.weights)
    with tf.GradientTape() as tape:
        outputs = model(x)
        tokens = tf.nn.log_softmax(outputs["mask_ids"])
        tokens = -tf.gather(tokens, targets["mask_ids"], batch_dims=2)
        choice = tf.nn.log_softmax(outputs["next_sentence"])
        choice = -tf.gather(choice, targets["next_sentence"], batch_dims=1)
        first = tf.reduce_sum(tokens * weights) / weights.sum()
        loss = first + tf.reduce_mean(choice)
    gradients = tape.gradient(loss, variables)
    expected = [
        v - 0.5 * tf.convert_to_tensor(g) for v, g in zip(variables, gradients, strict=True)
    ]
    logs = model.train_step(data)
    np.testing.assert_allclose(logs["loss"], first, rtol=1e-5)
    np.testing.assert_allclose(logs["next_sentence_loss"], loss - first, rtol=1e-4)
    for variable, wanted in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable, wanted, atol=1e-6, err_msg=variable.path)
    logs = model.evaluate(tf.data.Dataset.from_tensors(data), return_dict=True, verbose=0)
    right = np.argmax(model(x)["next_sentence"], -1) == targets["next_sentence"]
    np.testing.assert_allclose(logs["next_sentence_accuracy"], right.mean(), rtol=1e-6)


def test_next_sentences_from_raw_texts():
    model = make_model(next_sentence=True)
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(TEXTS * 8, batch_size=24, epochs=60, verbose=0).history
    logs = model.evaluate(TEXTS * 8, return_dict=True, verbose=0)
    assert history["next_sentence_loss"][-1] < 0.6 < history["next_sentence_loss"][0]
    assert logs["next_sentence_accuracy"] > 0.6
    assert model.fill_mask("the cat eats [MASK]", top_k=1)[0].token in WORDS


def test_bad_arguments(trained):
    with pytest.raises(ValueError, match="`preprocessor` must have next_sentence=True.*=False"):
        BertMaskedLM(trained.backbone, trained.preprocessor, next_sentence=True)
    with pytest.raises(ValueError, match=r"must have a \[MASK\] within its first 4 .* 'the cat'"):
        trained.fill_mask("the cat")
    with pytest.raises(ValueError, match="and none behind; received 'the the the"):
        trained.fill_mask("the the the the [MASK]")
    with pytest.raises(ValueError, match="`top_k` must be 1 or more; received 0"):
        trained.fill_mask("[MASK]", top_k=0)
    with pytest.raises(ValueError, match="Texts must be a string, or strings .* received 3"):
        trained.score(3)
    with pytest.raises(ValueError, match="A batch must have `mask_positions`.*received token_ids"):
        trained.train_step(({"token_ids": np.ones((1, 3), "int32")}, np.ones((1, 3))))
    with pytest.raises(ValueError, match="`y` must be None: BertMaskedLM"):
        trained.fit(TEXTS, ["a", "b", "c"])
    with pytest.raises(ValueError, match="`gradient_accumulation` must be an int, 1 or more; .* 0"):
        make_model().compile(gradient_accumulation=0)
    with pytest.raises(ValueError, match="`next_sentence=True` reads the pooler"):
        BertMaskedLM(BertBackbone(7, 1, 1, 4, use_pooler=False), next_sentence=True)
