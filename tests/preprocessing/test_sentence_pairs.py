"""Which second segments follow, and which come from elsewhere."""

import numpy as np
import tensorflow as tf

from tfzoo.preprocessing import MaskedLMPreprocessor, WordPieceTokenizer
from tfzoo.preprocessing.sentence_pairs import sentence_pairs
from tfzoo.preprocessing.word_piece_files import SPECIAL_TOKENS


def texts(num_texts=211):
    """Text n is made of the tokens 100 n, 100 n + 1, ...: a token says where it was."""
    lengths = np.random.default_rng(59).integers(0, 40, num_texts)
    return tf.ragged.constant(
        [list(range(100 * n, 100 * n + length)) for n, length in enumerate(lengths)], tf.int32
    )


def test_pairs_are_what_their_labels_say():
    tokens, length = texts(), 13
    first, second, labels = sentence_pairs(tokens, length)
    firsts, seconds = first.to_list(), second.to_list()
    seen = []
    for a, b, label in zip(firsts, seconds, labels.numpy(), strict=True):
        assert a and b and len(a) + len(b) <= length
        assert (np.diff(a) == 1).all() and (np.diff(b) == 1).all()
        if label == 0:
            assert b[0] == a[-1] + 1
            seen += a + b
        else:
            assert b[0] // 100 != a[0] // 100
            seen += a
    assert len(seen) == len(set(seen))
    deviation = 0.5 / np.sqrt(len(firsts))
    assert abs(labels.numpy().mean() - 0.5) < 4 * deviation + 1 / 211
    # Cut anywhere: the first token of a piece of 13 is followed by 1 to 12 others.
    assert {len(a) for a in firsts} == set(range(1, 13))


def test_one_text_alone_has_no_elsewhere():
    _, _, labels = sentence_pairs(tf.ragged.constant([list(range(31))], tf.int32), 5)
    assert labels.numpy().tolist() == [0] * 6  # the seventh piece is one token


def test_rows_of_two_segments():
    words = [f"w{n}" for n in range(50)]
    tokenizer = WordPieceTokenizer([*SPECIAL_TOKENS, *words])
    preprocessor = MaskedLMPreprocessor(tokenizer, 11, next_sentence=True)
    rows = preprocessor.pack([" ".join(words[n : n + 9]) for n in range(0, 40, 3)] + ["", "w1"])
    ids, segments = rows["token_ids"].numpy(), rows["segment_ids"].numpy()
    real = rows["padding_mask"].numpy()
    assert ids.shape[1] == 11 and len(ids) == len(rows["next_sentence"]) == 14
    for row in range(len(ids)):
        length = real[row].sum()
        ends = np.flatnonzero(ids[row] == tokenizer.end_token_id)
        assert ids[row, 0] == tokenizer.start_token_id and len(ends) == 2
        assert ends[1] == length - 1
        expected = (np.arange(11) > ends[0]) & real[row]
        np.testing.assert_array_equal(segments[row], expected)
    x, targets, weights = preprocessor.mask(rows, (1, 2))
    assert "next_sentence" not in x
    np.testing.assert_array_equal(targets["next_sentence"], rows["next_sentence"])
    np.testing.assert_array_equal(weights["next_sentence"], np.ones(len(ids)))
    assert weights["mask_ids"].shape == targets["mask_ids"].shape == (len(ids), 2)
