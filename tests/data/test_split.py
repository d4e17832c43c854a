import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfzoo.data import Corpus, split, split_text

DOCUMENTS = [f"document {i}" for i in range(997)]


def place_of(corpus):
    return {document: name for name, part in corpus._asdict().items() for document in part}


@given(
    extra=st.lists(st.text(st.characters(codec=None), max_size=7)),
    seed=st.integers(),
)
def test_split_is_a_partition_in_order(extra, seed):
    documents = DOCUMENTS + extra
    corpus = split(documents, validation=0.2, test=0.3, seed=seed)
    assert collections.Counter(sum(corpus, [])) == collections.Counter(documents)
    for part in corpus:
        remaining = iter(documents)
        assert all(document in remaining for document in part)


@given(
    removed=st.sets(st.integers(0, 996), max_size=300),
    added=st.lists(st.text(max_size=5), max_size=20),
)
def test_other_documents_move_none(removed, added):
    kept = [document for i, document in enumerate(DOCUMENTS) if i not in removed]
    before, after = place_of(split(DOCUMENTS)), place_of(split(added + kept))
    assert all(after[document] == before[document] for document in kept)


def test_equal_documents_stay_together():
    corpus = split(DOCUMENTS * 2, validation=0.3, test=0.3)
    assert all(len(part) == 2 * len(set(part)) for part in corpus)
    assert sum(len(set(part)) for part in corpus) == len(DOCUMENTS)


def test_halves_of_surrogate_pairs_are_text_like_any_other():
    corpus = split([f"\ud800{i}" for i in range(300)])
    assert sum(map(len, corpus)) == 300


def test_parts_are_near_the_fractions():
    corpus = split([f"text {i}" for i in range(20_000)], validation=0.1, test=0.25)
    # Three standard deviations of a binomial distribution.
    assert abs(len(corpus.validation) - 2_000) < 3 * (20_000 * 0.1 * 0.9) ** 0.5
    assert abs(len(corpus.test) - 5_000) < 3 * (20_000 * 0.25 * 0.75) ** 0.5


def test_one_fraction_does_not_move_the_other_part():
    corpus = split(DOCUMENTS, validation=0.1, test=0.2)
    assert split(DOCUMENTS, validation=0.4, test=0.2).test == corpus.test
    assert split(DOCUMENTS, validation=0.1, test=0.5).validation == corpus.validation
    assert set(split(DOCUMENTS, validation=0.4, test=0.2).validation) > set(corpus.validation)


def test_seeds_split_differently():
    tests = [set(split(DOCUMENTS, test=0.5, seed=seed).test) for seed in range(3)]
    for a, b in zip(tests, tests[1:], strict=False):
        assert 0.4 < len(a & b) / len(a) < 0.6


def test_the_split_never_changes_between_versions():
    assert split(["one", "two", "three", "four", "five", "six"], 0.3, 0.3, seed=3) == Corpus(
        ["one", "two", "six"], ["four", "five"], ["three"]
    )


def test_a_part_not_asked_for_is_empty():
    assert split(DOCUMENTS, validation=0, test=0) == (DOCUMENTS, [], [])


def test_text_is_split_by_position():
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 101)))
    assert split_text(text, validation=0.2, test=0.1) == ([text[:70]], [text[70:90]], [text[90:]])
    assert split_text(text, validation=0.1, test=0) == ([text[:90]], [text[90:]], [])
    assert split_text(text, validation=0, test=0.1) == ([text[:90]], [], [text[90:]])


@given(st.text(min_size=50), st.floats(0.05, 0.4), st.floats(0.05, 0.4))
def test_pieces_of_a_text_join_to_it(text, validation, test):
    assert "".join(sum(split_text(text, validation, test), [])) == text


def test_tiny_shakespeare_is_divided_like_its_published_split(data_dir):
    tfds = pytest.importorskip("tensorflow_datasets")
    parts = tfds.load("tiny_shakespeare", data_dir=data_dir / "tfds", download=False)
    published = {
        name: next(iter(part.as_numpy_iterator()))["text"].decode() for name, part in parts.items()
    }
    text = published["train"] + published["validation"] + published["test"]
    corpus = split_text(text, validation=0.1, test=0)
    assert corpus.train == [published["train"]]
    assert len(corpus.train[0]) == 1_003_854


def test_a_corpus_prints_sizes_not_text():
    assert repr(Corpus(["ab", "cde"], [], ["f" * 1234])) == (
        "Corpus(train: 2 documents, 5 characters; validation: 0 documents, 0 characters; "
        "test: 1 documents, 1,234 characters)"
    )


@pytest.mark.parametrize("fractions", [(-0.1, 0.2), (0.5, 0.5), (0.2, -0.1)])
@pytest.mark.parametrize("cut", [lambda *f: split(DOCUMENTS, *f), lambda *f: split_text("abc", *f)])
def test_bad_fractions_are_named(cut, fractions):
    with pytest.raises(ValueError, match=rf"sum to less than 1, got validation={fractions[0]}"):
        cut(*fractions)


def test_empty_parts_are_refused():
    with pytest.raises(ValueError, match="The train part is empty"):
        split([])
    with pytest.raises(ValueError, match=r"The test part is empty \(validation=0, test=1e-09\)"):
        split(DOCUMENTS, validation=0, test=1e-9)
    with pytest.raises(ValueError, match="The train part is empty"):
        split_text("", validation=0.1, test=0)


def test_wrong_types_are_named():
    with pytest.raises(TypeError, match="documents must be a list .* got str: put"):
        split("a text")
    with pytest.raises(TypeError, match="got bytes at position 1"):
        split(["a", b"b"])
    with pytest.raises(TypeError, match="text must be a string, got list"):
        split_text(["a"])
