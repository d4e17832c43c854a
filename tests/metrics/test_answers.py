"""Golden values of SQuAD's own evaluation."""

import json

import pytest

from tfzoo.metrics import answer_f1, exact_match, normalize_answer


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", ""),
        ("The", ""),
        ("A  cat\tan' the\nthen", "cat then"),
        # Punctuation goes first, so that it can make an article or hide one.
        ("th.e cat-a a-cat", "cata acat"),
        ("ÉCLAIR “a” naïve", "éclair “ ” naïve"),  # quotation marks that are not ASCII stay
        ("theta atheist éa a", "theta atheist éa"),
        ("$3.50, U.S.A.", "350 usa"),
    ],
)
def test_normalization(text, normal):
    assert normalize_answer(text) == normal


@pytest.mark.parametrize(
    ("prediction", "answers", "match", "f1"),
    [
        ("Denver Broncos", ["Denver Broncos", "The Broncos"], 1, 1),
        ("the broncos!", ["Denver Broncos", "Broncos"], 1, 1),
        ("in Santa Clara, California", ["Santa Clara"], 0, 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        (
            "cat cat cat",
            ["cat cat dog bird"],
            0,
            2 * 2 / (3 + 4),
        ),  # words count as often as they are
        ("dog", ["cat"], 0, 0),
        ("", [], 1, 1),
        ("the", [], 1, 1),
        ("dog", [], 0, 0),
        ("", ["dog"], 0, 0),
        ("dog", ["...", "dog"], 1, 1),
        ("", ["...", "dog"], 0, 0),  # an answer of punctuation does not count
        ("", ["..."], 1, 1),
    ],
)
def test_values_by_hand(prediction, answers, match, f1):
    assert exact_match(prediction, answers) == match
    assert answer_f1(prediction, answers) == pytest.approx(f1)


def test_agrees_with_precision_and_recall_counted_word_by_word(data_dir):
    """On real answers and the text that begins with them, crossing words out one at a time."""
    articles = json.loads((data_dir / "policyqa" / "dev.json").read_text())["data"]
    compared = 0
    for paragraph in articles[0]["paragraphs"]:
        for question in paragraph["qas"]:
            gold = question["answers"][0]["text"]
            prediction = paragraph["context"][question["answers"][0]["answer_start"] :][:70]
            words, truth = (normalize_answer(text).split() for text in (prediction, gold))
            left = list(truth)
            for word in words:
                if word in left:
                    left.remove(word)
            found = len(truth) - len(left)
            precision, recall = found / len(words), found / len(truth)
            expected = 2 * precision * recall / (precision + recall)
            assert answer_f1(prediction, [gold]) == pytest.approx(expected)
            compared += 0 < expected < 1
    assert compared > 20
