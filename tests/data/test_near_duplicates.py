import random

import pytest

from tfzoo.data import DropNearDuplicates

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(seed, count):
    chooser = random.Random(seed)
    return ["".join(chooser.choices(LETTERS, k=chooser.randint(2, 9))) for _ in range(count)]


def similarity(a, b, length):
    """Jaccard similarity of the sets of runs of characters, with Python's own sets."""
    a, b = ({text[i : i + length] for i in range(len(text) - length + 1)} for text in (a, b))
    return len(a & b) / len(a | b)


def variants(seed, num_changed):
    """A text, and the same text with some of its words replaced."""
    text = words(seed, 200)
    changed = list(text)
    for place, word in zip(range(3, 200, 200 // num_changed), words(-seed - 1, 200), strict=False):
        changed[place] = word
    return " ".join(text), " ".join(changed)


def test_threshold_divides_by_exact_similarity():
    step = DropNearDuplicates(threshold=0.7, shingle_characters=5)
    dropped = []
    for seed in range(1, 41):
        a, b = variants(seed, num_changed=seed)
        is_dropped = step([a, b])[1] is None
        # Nothing below the threshold goes, and hashing misses next to nothing well above it.
        if is_dropped:
            assert similarity(a, b, 5) >= 0.7
        elif similarity(a, b, 5) >= 0.73:
            pytest.fail(f"a similarity of {similarity(a, b, 5)} was missed")
        dropped.append(is_dropped)
    assert 5 < sum(dropped) < 35


def test_the_first_of_the_copies_stays():
    a, b = variants(seed=7, num_changed=2)
    c = " ".join(words(seed=8, count=50))
    assert DropNearDuplicates()([c, b, a, c + "!", a + " end"]) == [c, b, None, None, None]


def test_a_copy_of_a_dropped_document_is_compared_with_those_kept():
    text = words(seed=9, count=400)
    chain = [" ".join(text[start : start + 300]) for start in (0, 20, 40, 60)]
    similarities = [similarity(chain[0], other, 10) for other in chain]
    assert similarities[1] > 0.8 > similarities[2]
    assert DropNearDuplicates()(chain) == [chain[0], None, chain[2], None]


def test_case_and_white_space_do_not_count():
    text = " ".join(words(seed=5, count=30))
    assert DropNearDuplicates(1.0)([text, text.upper().replace(" ", "\n  ") + "\n"])[1] is None


@pytest.mark.parametrize("length", [1, 10])
def test_texts_shorter_than_a_shingle_must_be_equal(length):
    step = DropNearDuplicates(shingle_characters=length)
    documents = ["short", "shirt", "Short ", "", " ", "\U0001f600", "\ud800"]
    assert step(documents) == ["short", "shirt", None, "", None, "\U0001f600", "\ud800"]


def test_long_documents_are_read_to_the_end():
    head = " ".join(words(seed=6, count=7_000))
    a, b = (head + " ".join(words(seed, count=7_000)) for seed in (1, 2))
    assert len(a) > 3 * 16_384
    assert DropNearDuplicates(0.5)([a, b]) == [a, b]
    assert DropNearDuplicates(0.2)([a, b]) == [a, None]


def test_the_same_input_gives_the_same_result():
    documents = [text for seed in range(1, 20) for text in variants(seed, 3 * seed)]
    step = DropNearDuplicates(threshold=0.6, num_permutations=16, seed=3)
    assert step(documents) == step(documents)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"threshold": 0}, r"threshold must be in \(0, 1\], got 0"),
        ({"threshold": 1.5}, r"threshold must be in \(0, 1\], got 1.5"),
        ({"num_permutations": 7}, "num_permutations must be at least 8 .* got 7 and 10"),
        ({"shingle_characters": 0}, "shingle_characters at least 1, got 128 and 0"),
    ],
)
def test_bad_arguments_are_named(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        DropNearDuplicates(**arguments)
