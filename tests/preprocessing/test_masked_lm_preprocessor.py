"""What is hidden: how much, of what, and never what must not be."""

import numpy as np
import pytest
import tensorflow as tf

from tfzoo.preprocessing import ByteTokenizer, MaskedLMPreprocessor, WordPieceTokenizer
from tfzoo.preprocessing.row_fitting import fit_into_rows
from tfzoo.preprocessing.word_piece_files import SPECIAL_TOKENS

LETTERS = "abcdefghijk"
VOCABULARY = [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
R, T = 211, 67


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(VOCABULARY)


@pytest.fixture(scope="module")
def rows(tokenizer):
    """Words of one to three pieces between special tokens, and padding."""
    rng = np.random.default_rng(41)
    token_ids = rng.integers(5, len(VOCABULARY), (R, T)).astype("int32")
    token_ids[:, 0] = tokenizer.start_token_id
    lengths = rng.integers(5, T + 1, R)
    token_ids[np.arange(R), lengths - 1] = tokenizer.end_token_id
    token_ids[:, 3] = tokenizer.unknown_token_id
    real = np.arange(T) < lengths[:, None]
    return {"token_ids": np.where(real, token_ids, 0).astype("int32"), "padding_mask": real}


def masked(tokenizer, rows, seed=(3, 7), **arguments):
    """`(inputs, chosen)`: hidden token ids, and where they differ by the preprocessor's word."""
    preprocessor = MaskedLMPreprocessor(tokenizer, T, **arguments)
    x, mask_ids, weights = preprocessor.mask(rows, seed)
    chosen = np.zeros((R, T), bool)
    positions = x["mask_positions"].numpy()
    for row, places, ids, real in zip(range(R), positions, mask_ids, weights, strict=True):
        places, ids = places[real.numpy() > 0], ids.numpy()[real.numpy() > 0]
        assert (np.diff(places) > 0).all()
        np.testing.assert_array_equal(ids, rows["token_ids"][row, places])
        chosen[row, places] = True
    return x["token_ids"].numpy(), chosen


@pytest.mark.parametrize("masking", ["tokens", "words", "spans"])
def test_the_share_of_hidden_tokens(tokenizer, rows, masking):
    hidden, chosen = masked(tokenizer, rows, masking=masking)
    ordinary = rows["padding_mask"] & (rows["token_ids"] >= len(SPECIAL_TOKENS))
    assert not chosen[~ordinary].any()
    np.testing.assert_array_equal(hidden[~chosen], rows["token_ids"][~chosen])
    wanted = np.maximum(np.round(0.15 * ordinary.sum(1)), 1)
    if masking == "tokens":
        np.testing.assert_array_equal(chosen.sum(1), wanted)
    assert (chosen.sum(1) <= wanted).all()
    assert chosen.sum() > 0.93 * wanted.sum()


def test_eighty_ten_ten(tokenizer, rows):
    fates = np.zeros(3)
    for seed in range(5):
        hidden, chosen = masked(tokenizer, rows, seed=(seed, 1), mask_rate=0.4)
        became, was = hidden[chosen], rows["token_ids"][chosen]
        assert (became[became != tokenizer.mask_token_id] >= len(SPECIAL_TOKENS)).all()
        is_mask = became == tokenizer.mask_token_id
        fates += [is_mask.sum(), (~is_mask & (became != was)).sum(), (became == was).sum()]
    num_ordinary = len(VOCABULARY) - len(SPECIAL_TOKENS)
    same_by_chance = 0.1 / num_ordinary
    expected = np.array([0.8, 0.1 - same_by_chance, 0.1 + same_by_chance])
    deviation = np.sqrt(expected * (1 - expected) / fates.sum())
    assert (np.abs(fates / fates.sum() - expected) < 4 * deviation).all()


def test_every_token_is_hidden_as_often_as_any_other(tokenizer, rows):
    full = {
        "token_ids": np.tile(rows["token_ids"][:1] * 0 + 7, (R, 1)),
        "padding_mask": np.ones((R, T), bool),
    }
    counts = sum(masked(tokenizer, full, seed=(seed, 2))[1].sum(0) for seed in range(9))
    expected, trials = 10 / T, 9 * R  # 0.15 * 67 is 10 tokens
    assert np.abs(counts / trials - expected).max() < 5 * np.sqrt(expected / trials)


def words_of(token_ids):
    """Lists of places, one for each word, spelled out."""
    words = []
    for place, token_id in enumerate(token_ids):
        if token_id < len(SPECIAL_TOKENS):
            words.append(None)
        elif VOCABULARY[token_id].startswith("##") and words[-1] is not None:
            words[-1].append(place)
        else:
            words.append([place])
    return [word for word in words if word]


def test_words_are_hidden_whole(tokenizer, rows):
    _, chosen = masked(tokenizer, rows, masking="words")
    sizes = set()
    for row in range(R):
        for word in words_of(rows["token_ids"][row]):
            assert len(set(chosen[row, word])) == 1
            if chosen[row, word[0]]:
                sizes.add(len(word))
    assert len(sizes) > 2
    _, single = masked(tokenizer, rows)
    assert any(
        len(set(single[row, word])) == 2
        for row in range(R)
        for word in words_of(rows["token_ids"][row])
    )


def test_spans_are_of_one_to_three_words(tokenizer):
    # Each word is one token, and a special token stands in the middle.
    token_ids = np.tile(np.r_[np.full(33, 6), 3, np.full(33, 7)].astype("int32"), (R, 1))
    rows = {"token_ids": token_ids, "padding_mask": np.ones((R, T), bool)}
    _, chosen = masked(tokenizer, rows, masking="spans", mask_rate=0.06)
    assert not chosen[:, 33].any()
    # 4 of 66: spans of 3 and 1, 2 and 2, ...; neighbours may touch, but seldom do.
    runs = [len(run) for row in chosen for run in "".join("10"[not c] for c in row).split("0")]
    runs = np.bincount(np.array([run for run in runs if run]), minlength=5)
    shares = runs[1:4] / runs.sum()
    assert (shares > [0.4, 0.15, 0.08]).all() and runs[4:].sum() < 0.1 * runs.sum()


def test_seeds(tokenizer, rows):
    first, _ = masked(tokenizer, rows)
    np.testing.assert_array_equal(first, masked(tokenizer, rows)[0])
    other, _ = masked(tokenizer, rows, seed=(4, 7))
    assert (first != other).any(1).mean() > 0.95
    # Two equal rows of a batch get masks of their own.
    twins = {name: np.repeat(part[:1], R, axis=0) for name, part in rows.items()}
    assert len(np.unique(masked(tokenizer, twins)[0], axis=0)) > R / 2


def test_rows_without_anything_to_hide(tokenizer):
    rows = {"token_ids": np.full((2, T), 3, "int32"), "document_ids": np.ones((2, T), "int32")}
    x, _, weights = MaskedLMPreprocessor(tokenizer, T).mask(rows, (1, 2))
    np.testing.assert_array_equal(x["token_ids"], rows["token_ids"])
    np.testing.assert_array_equal(weights, np.zeros((2, 11)))


def test_masks_in_a_graph_are_the_same(tokenizer, rows):
    preprocessor = MaskedLMPreprocessor(tokenizer, T, masking="spans")
    eager = preprocessor.mask(rows, (5, 6))
    dataset = tf.data.Dataset.from_tensors(rows).map(lambda x: preprocessor.mask(x, (5, 6)))
    for a, b in zip(tf.nest.flatten(eager), tf.nest.flatten(next(iter(dataset))), strict=True):
        np.testing.assert_array_equal(a, b)


def test_packing_loses_nothing_and_keeps_pieces_whole(tokenizer):
    rng = np.random.default_rng(43)
    texts = [" ".join(rng.choice(list(LETTERS), n)) for n in rng.integers(0, 40, 61)]
    rows = MaskedLMPreprocessor(tokenizer, 13).pack(texts)
    token_ids, document_ids = rows["token_ids"].numpy(), rows["document_ids"].numpy()
    pieces = {}
    for row in range(len(token_ids)):
        for number in set(document_ids[row]) - {0}:
            places = np.flatnonzero(document_ids[row] == number)
            assert (np.diff(places) == 1).all() and number not in pieces
            piece = token_ids[row, places]
            assert piece[0] == tokenizer.start_token_id and piece[-1] == tokenizer.end_token_id
            pieces[number] = tuple(piece[1:-1])
    expected = []
    for text in texts:
        ids = tokenizer(text).numpy()
        expected += [tuple(ids[start : start + 11]) for start in range(0, len(ids), 11)]
    assert sorted(pieces.values()) == sorted(expected)
    assert (token_ids[document_ids == 0] == tokenizer.padding_token_id).all()
    assert (document_ids > 0).mean() > 0.9


def test_rows_are_nearly_as_few_as_can_be():
    lengths = np.random.default_rng(47).integers(1, 65, 5000)
    rows = fit_into_rows(lengths, 64)
    filled = np.bincount(rows, lengths)
    assert filled.max() <= 64 and filled.min() > 0
    assert len(filled) <= 1.02 * lengths.sum() / 64 + 1


def test_one_text_to_a_row(tokenizer):
    x = MaskedLMPreprocessor(tokenizer, 6)(["ab", "", "a b c d e f"])
    a, b = tokenizer.token_to_id("a"), tokenizer.token_to_id("##b")
    assert x["token_ids"].numpy()[:2].tolist() == [[2, a, b, 3, 0, 0], [2, 3, 0, 0, 0, 0]]
    assert x["token_ids"].numpy()[2].tolist() == [2, 5, 6, 7, 8, 3]
    assert x["padding_mask"].numpy().sum(1).tolist() == [4, 2, 6]


def test_config_makes_it_again(tokenizer):
    config = MaskedLMPreprocessor(tokenizer, 31, 0.2, "words").get_config()
    again = MaskedLMPreprocessor.from_config(config)
    assert (again.sequence_length, again.mask_rate, again.masking) == (31, 0.2, "words")
    assert again.tokenizer.get_config() == tokenizer.get_config()


def test_bad_arguments(tokenizer):
    with pytest.raises(ValueError, match=r"must have the token \[MASK\].*WordPieceTokenizer"):
        MaskedLMPreprocessor(WordPieceTokenizer(["[UNK]", "[CLS]", "[SEP]", "a"]))
    with pytest.raises(ValueError, match=r"must have the token \[MASK\].*a ByteTokenizer"):
        MaskedLMPreprocessor(ByteTokenizer())
    with pytest.raises(ValueError, match="`sequence_length` must be at least 3.*received 2"):
        MaskedLMPreprocessor(tokenizer, 2)
    with pytest.raises(ValueError, match="`mask_rate` must be between 0 and 1; received 1"):
        MaskedLMPreprocessor(tokenizer, mask_rate=1)
    with pytest.raises(ValueError, match="`masking` must be one of 'tokens', .*received 'all'"):
        MaskedLMPreprocessor(tokenizer, masking="all")
