import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.preprocessing import SlidingWindows

LENGTHS = [23, 0, 7, 1, 12]


def reference(lengths, room, stride):
    """Which tokens of which document each window sees, by sliding along each document."""
    seen = []
    for document, length in enumerate(lengths):
        start = 0
        while True:
            if start + room >= length:
                seen.append((document, list(range(max(length - room, 0), length))))
                break
            seen.append((document, list(range(start, start + room))))
            start += min(stride, room)
    return seen


@pytest.fixture
def tokens():
    """The n-th token of document d is 100 d + n."""
    return tf.ragged.constant(
        [[100 * d + n for n in range(length)] for d, length in enumerate(LENGTHS)], tf.int32
    )


@pytest.mark.parametrize(
    ("window", "stride", "others"), [(7, 3, 0), (9, 3, 2), (5, 5, 2), (4, 1, 3)]
)
def test_windows_are_what_sliding_sees(tokens, window, stride, others):
    sliding = SlidingWindows(window, stride)
    split = tf.function(lambda lengths: sliding.split(lengths, others))
    windows = split(tokens.row_lengths())
    expected = reference(LENGTHS, window - others, stride)
    assert windows.document.numpy().tolist() == [document for document, _ in expected]
    assert windows.first.numpy().tolist() == [seen[0] if seen else 0 for _, seen in expected]
    assert windows.cut(tokens).to_list() == [[100 * d + n for n in seen] for d, seen in expected]


def test_each_document_has_the_room_that_its_question_leaves(tokens):
    windows = SlidingWindows(11, 4).split(tokens.row_lengths(), tf.constant([2, 3, 4, 5, 6]))
    expected = [
        (document, seen)
        for number, others in enumerate([2, 3, 4, 5, 6])
        for document, seen in reference(LENGTHS, 11 - others, 4)
        if document == number
    ]
    assert windows.cut(tokens).to_list() == [[100 * d + n for n in seen] for d, seen in expected]


def test_a_token_gets_the_mean_over_its_windows(tokens):
    windows = SlidingWindows(7, 3).split(tokens.row_lengths())
    expected = reference(LENGTHS, 7, 3)
    rng = np.random.default_rng(5)
    rows = [rng.normal(size=(len(seen), 2)).astype("float32") for _, seen in expected]
    outputs = tf.RaggedTensor.from_row_lengths(np.concatenate(rows), [len(row) for row in rows])
    together = windows.average_tokens(outputs)
    assert together.row_lengths().numpy().tolist() == LENGTHS
    for document, length in enumerate(LENGTHS):
        for place in range(length):
            seen_as = [
                row[seen.index(place)]
                for (d, seen), row in zip(expected, rows, strict=True)
                if d == document and place in seen
            ]
            np.testing.assert_allclose(
                together[document, place], np.mean(seen_as, axis=0), rtol=1e-5
            )


def test_what_is_cut_comes_back(tokens):
    windows = SlidingWindows(5, 2).split(tokens.row_lengths())
    back = windows.average_tokens(windows.cut(tf.cast(tokens, tf.float32)))
    assert back.to_list() == tokens.to_list()


def test_a_document_gets_the_mean_of_its_windows_by_length(tokens):
    windows = SlidingWindows(7, 3).split(tokens.row_lengths())
    expected = reference(LENGTHS, 7, 3)
    outputs = np.random.default_rng(6).normal(size=(len(expected), 3)).astype("float32")
    together = windows.average_documents(tf.constant(outputs))
    for document in range(len(LENGTHS)):
        rows = [n for n, (d, _) in enumerate(expected) if d == document]
        lengths = [max(len(expected[n][1]), 1) for n in rows]
        np.testing.assert_allclose(
            together[document], np.average(outputs[rows], axis=0, weights=lengths), rtol=1e-5
        )


def test_a_hundred_thousand_tokens_are_a_few_hundred_windows():
    windows = SlidingWindows(384, 256).split([100_003], 2)
    assert len(windows.document) == 1 + -(-(100_003 - 382) // 256)
    assert windows.places[-1, -1] == 100_002


def test_its_config_makes_it_again():
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(SlidingWindows(31, 17))))
    assert keras.saving.deserialize_keras_object(saved) == SlidingWindows(31, 17)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 1), "`window` must be a whole number of at least 1; got 0"),
        ((8, 0), "`stride` must be a whole number of at least 1; got 0"),
        ((8, 2.5), "`stride` must be a whole number of at least 1; got 2.5"),
        ((8, 9), "`stride` must be at most `window`, .* got stride=9, window=8"),
    ],
)
def test_numbers_that_cannot_be_get_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        SlidingWindows(*arguments)


def test_a_number_is_no_windows():
    with pytest.raises(ValueError, match="`long_documents` must be .* received 11"):
        SlidingWindows.of(11)
