"""What is a token classifier's own: words, tags, places. The laws do the rest."""

import itertools

import keras
import numpy as np
import pytest
import seqeval.metrics
import tensorflow as tf

from tfzoo.models import BertBackbone, BertTokenClassifier, Entity
from tfzoo.preprocessing import TokenClassifierPreprocessor, WordPieceTokenizer

TOKENS = "[PAD] [UNK] [CLS] [SEP] ann bo lee sang fell at 3 : 30 ##a".split()
WORDS = [["ann", "sang"], ["bo", "lee", "fell"], ["at", "3:30", "anna", "fell"], ["at", "ann"]]
TAGS = [
    ["B-who", "O"],
    ["B-who", "I-who", "O"],
    ["O", "B-when", "B-who", "O"],
    ["O", "B-who"],
]


def build(entity_names=("who", "when"), length=13):
    keras.utils.set_random_seed(3)
    backbone = BertBackbone(len(TOKENS), 1, 2, hidden_dim=14, intermediate_dim=19, dropout=0.0)
    preprocessor = TokenClassifierPreprocessor(WordPieceTokenizer(TOKENS), length)
    return BertTokenClassifier(backbone, preprocessor, entity_names, dropout=0.0)


@pytest.fixture(scope="module")
def trained():
    model = build()
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(WORDS, TAGS, batch_size=3, epochs=30, verbose=0)
    return model


@pytest.fixture(scope="module")
def random_model():
    """Large random weights: tags of all kinds, most of them wrong."""
    model = build()
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.5, variable.shape))
    model.head.bias.assign([0.0, 0, 3, 0, 3])  # entities of several words
    model.compile()
    return model


def test_fit_on_words_learns_them(trained):
    assert trained.tag_words(WORDS, batch_size=3) == TAGS
    logs = trained.evaluate(WORDS, TAGS, batch_size=3, return_dict=True, verbose=0)
    assert logs["accuracy"] == logs["entity_f1"] == 1


def test_tag_gives_places_in_the_raw_text(trained):
    texts = ["  At 3:30 Bo  Lee fell", "", "F\u00c9LL \u00c0t  Ann sang at ann", "at  Anna fell"]
    found = trained.tag(texts, batch_size=2)
    assert [[(e.label, e.text) for e in entities] for entities in found] == [
        [("when", "3:30"), ("who", "Bo  Lee")],
        [],
        [("who", "Ann"), ("who", "ann")],
        [("who", "Anna")],  # two pieces
    ]
    for text, entities in zip(texts, found, strict=True):
        for entity in entities:
            assert text[entity.start : entity.end] == entity.text
            assert isinstance(entity, Entity) and 0.5 < entity.score <= 1
    assert trained.tag(texts[0]) == [
        pytest.approx(entity) if isinstance(entity, float) else entity for entity in found[0]
    ]


def test_scores_are_means_over_words(random_model):
    texts = ["ann bo lee sang", "fell at lee bo 3 bo", "sang at bo"]
    entities = [entity for row in random_model.tag(texts) for entity in row]
    assert max(len(entity.text.split()) for entity in entities) > 1
    for text, row in zip(texts, random_model.tag(texts), strict=True):
        words = text.split()
        logits = random_model(random_model.preprocessor([text]))[0, 1:-1]
        probabilities = tf.nn.softmax(logits).numpy()
        tags = iter(random_model.tag_words([words])[0])
        numbers = [random_model.tag_names.index(tag) for tag in tags]
        for entity in row:
            first = len(text[: entity.start].split())
            places = range(first, first + len(entity.text.split()))
            expected = np.mean([probabilities[place, numbers[place]] for place in places])
            assert entity.score == pytest.approx(expected, rel=1e-5)


def test_evaluate_equals_seqeval_on_replicas_and_uneven_batches(random_model, two_replicas):
    rng = np.random.default_rng(5)
    words = [rng.choice(TOKENS[4:10], rng.integers(1, 9)).tolist() for _ in range(23)]
    tags = random_model.tag_words(words)
    for row, length in zip(tags[::2], itertools.cycle([1, 2, 3])):
        row[:length] = ["B-when", "O", "B-who"][: min(length, len(row))]
    with two_replicas.scope():
        model = build()
        model.set_weights(random_model.get_weights())
        model.compile()
    logs = model.evaluate(words, tags, batch_size=5, return_dict=True, verbose=0)
    predicted = random_model.tag_words(words)
    for kind in ("precision", "recall", "f1"):
        expected = getattr(seqeval.metrics, f"{kind}_score")(tags, predicted)
        assert 0.2 < expected < 0.98
        assert logs[f"entity_{kind}"] == pytest.approx(expected, rel=1e-6)
    flat = zip(itertools.chain(*tags), itertools.chain(*predicted), strict=True)
    assert logs["accuracy"] == pytest.approx(np.mean([a == b for a, b in flat]), rel=1e-6)


def test_found_tags_are_always_valid(random_model):
    rng = np.random.default_rng(1)
    words = [rng.choice(TOKENS[4:10], 8).tolist() for _ in range(40)]
    tags = random_model.tag_words(words)
    rows = random_model(random_model.preprocessor([" ".join(row) for row in words]))
    plain = np.array(random_model.tag_names)[np.argmax(rows[:, 1:-1], -1)].tolist()
    assert plain != tags  # without the constraint some are not
    for row in tags:
        for before, tag in itertools.pairwise(["O", *row]):
            assert tag[0] != "I" or before[1:] == tag[1:]


def test_a_preset_of_a_backbone_gets_a_new_head(tmp_path, trained):
    trained.save_to_preset(tmp_path / "preset")
    twin = BertTokenClassifier.from_preset(tmp_path / "preset")
    assert twin.tag_words(WORDS) == TAGS
    model = BertTokenClassifier.from_preset(
        tmp_path / "preset", entity_names=["x"], sequence_length=9
    )
    assert model.tag_names == ("O", "B-x", "I-x") and model.preprocessor.sequence_length == 9


def fit(words, tags, **arguments):
    model = build(**arguments)
    model.compile()
    model.fit(words, tags, verbose=0)


def evaluate(words, tags, **arguments):
    model = build(**arguments)
    model.compile()
    model.evaluate(words, tags, verbose=0)


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (lambda: fit(WORDS, [["O"]] * 4), "Sentence 0 has 2 words and 1 tags: expected one tag"),
        (lambda: fit(WORDS, TAGS[:3]), "tags for each of the 4 sentences; received 3"),
        (lambda: fit(WORDS, None), "tags for each of the 4 sentences; received None"),
        (lambda: fit([["a"]], [["B-odd"]]), "The tag 'B-odd' of sentence 0 must be O, or B- or"),
        (lambda: fit(WORDS[:2], TAGS[:2]), "1 have none, the first is 'when'"),
        (lambda: fit([], []), "`x` must hold at least one sentence"),
        (
            lambda: evaluate(WORDS, TAGS, length=6),
            "Sentence 2 must fit into the 6 .*; only 2 of its 4 words do",
        ),
        (lambda: build([]), "`entity_names` must be a list of at least one name"),
        (
            lambda: BertTokenClassifier(build().backbone, entity_names=["a"]).tag("a"),
            "has none. Pass one to the constructor",
        ),
    ],
)
def test_bad_input_gets_a_sentence(action, sentence):
    with pytest.raises(ValueError, match=sentence):
        action()
