import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.preprocessing import QuestionAnsweringPreprocessor, SlidingWindows, WordPieceTokenizer

WORDS = "who sang what ann and bo cat ##s fell é ! 🦉 one two three four five".split()
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
CONTEXT = "Ann  sang! 🦉 Cats fell; bo and ann sang."


def ids(*tokens):
    return [TOKENS.index(token) for token in tokens]


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(TOKENS, strip_accents=False)


def test_a_row_is_the_question_and_a_window_of_the_context(tokenizer):
    preprocessor = QuestionAnsweringPreprocessor(tokenizer, SlidingWindows(12, 4))
    rows = preprocessor(
        ["Who sang?", "what fell"], ["ann sang", "one two three four five one two three"]
    )
    front, other = (
        ids("[CLS]", "who", "sang", "[UNK]", "[SEP]"),
        ids("[CLS]", "what", "fell", "[SEP]"),
    )
    numbers = ["one", "two", "three", "four", "five"]
    assert rows.token_ids.to_list() == [
        [*front, *ids("ann", "sang", "[SEP]")],
        [*other, *ids(*numbers, "one", "two", "[SEP]")],
        [*other, *ids("two", "three", "four", "five", "one", "two", "three", "[SEP]")],
    ]
    assert rows.segment_ids.to_list() == [[0] * 5 + [1] * 3, [0] * 4 + [1] * 8, [0] * 4 + [1] * 8]
    assert rows.first_place.numpy().tolist() == [5, 4, 4]
    assert rows.windows.document.numpy().tolist() == [0, 1, 1]
    inputs = rows.inputs()
    assert inputs["padding_mask"].numpy().sum(axis=1).tolist() == [8, 12, 12]
    assert inputs["token_ids"].numpy()[0].tolist() == [
        *front,
        *ids("ann", "sang", "[SEP]"),
        0,
        0,
        0,
        0,
    ]


def test_a_long_question_is_cut_and_leaves_room(tokenizer):
    preprocessor = QuestionAnsweringPreprocessor(tokenizer, SlidingWindows(8, 1), 3)
    rows = preprocessor(["who sang what ann and bo"], ["one two three four"])
    assert rows.token_ids.row_lengths().numpy().tolist() == [8, 8, 8]
    assert rows.token_ids[0].numpy().tolist()[:5] == ids("[CLS]", "who", "sang", "what", "[SEP]")


def brute_force(preprocessor, rows, start, end):
    """The places of the answer by asking every token of every row."""
    targets = []
    places = rows.windows.places.to_list()
    starts, ends = rows.starts.numpy(), rows.ends.numpy()
    wanted = [n for n in range(len(starts)) if ends[n] > start and starts[n] < end]
    for first_place, seen in zip(rows.first_place.numpy(), places, strict=True):
        hits = [first_place + number for number, place in enumerate(seen) if place in wanted]
        whole = bool(hits) and len(hits) == len(wanted)
        targets.append([hits[0], hits[-1]] if whole else [0, 0])
    return targets


@pytest.mark.parametrize("window", [9, 12, 40])
@pytest.mark.parametrize(
    "answer", ["Cats fell", "Cat", "s", "🦉", "sang!", "bo and ann sang", "ell"]
)
def test_targets_are_the_tokens_of_the_answer_where_all_are_there(tokenizer, window, answer):
    preprocessor = QuestionAnsweringPreprocessor(tokenizer, SlidingWindows(window, 2))
    start = CONTEXT.index(answer)
    arguments = ["who"], [CONTEXT]
    rows = preprocessor(*arguments)
    targets = preprocessor.targets(rows, [start], [start + len(answer)]).numpy()
    assert targets.tolist() == brute_force(preprocessor, rows, start, start + len(answer))
    found = np.flatnonzero(targets[:, 0])
    if window == 40:
        assert len(found) == 1
    # Back from tokens to characters: the answer, or all of the words that it is a part of
    starts, ends = rows.characters(tf.constant(found), *targets[found].T)
    for a, b in zip(starts.numpy(), ends.numpy(), strict=True):
        assert answer in CONTEXT[a:b] and len(CONTEXT[a:b]) <= len(answer) + 3


def test_each_question_has_its_own_answer(tokenizer):
    preprocessor = QuestionAnsweringPreprocessor(tokenizer, SlidingWindows(10, 2))
    contexts = ["one two three four five", "", CONTEXT, "bo fell"]
    answers = ["five", "", "Cats", ""]
    spans = [
        (c.index(a), c.index(a) + len(a)) if a else (0, 0)
        for c, a in zip(contexts, answers, strict=True)
    ]
    rows = preprocessor(["who"] * 4, contexts)
    targets = preprocessor.targets(rows, *np.transpose(spans)).numpy()
    graph = tf.function(lambda q, c, a, b: preprocessor.targets(preprocessor(q, c), a, b))
    in_graph = graph(tf.constant(["who"] * 4), tf.constant(contexts), *np.transpose(spans))
    np.testing.assert_array_equal(in_graph, targets)
    found = np.flatnonzero(targets[:, 0])
    documents = rows.windows.document.numpy()[found]
    assert set(documents) == {0, 2}
    starts, ends = rows.characters(tf.constant(found), *targets[found].T)
    for document, a, b in zip(documents, starts.numpy(), ends.numpy(), strict=True):
        assert contexts[document][a:b] == answers[document]


def test_config(tokenizer):
    preprocessor = QuestionAnsweringPreprocessor(tokenizer, SlidingWindows(31, 7), 11)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(preprocessor)))
    twin = keras.saving.deserialize_keras_object(saved)
    assert (twin.long_documents, twin.max_question_length) == (SlidingWindows(31, 7), 11)
    assert twin.sequence_length == 31
    with pytest.raises(ValueError, match="window of 20; received 17"):
        QuestionAnsweringPreprocessor(tokenizer, SlidingWindows(20, 7), 17)
