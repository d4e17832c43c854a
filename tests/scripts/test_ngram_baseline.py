"""The baseline beside GPT's numbers: it is one only if it is right."""

import importlib
import math
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TEXT = "abracadabra, abrakadabra"
LETTERS = sorted(set(TEXT))


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("ngram_baseline")


@pytest.fixture(params=["WittenBell", "KneserNey"])
def kind(request, script):
    return getattr(script, request.param)


def test_probabilities_sum_to_one(script, kind):
    model = kind(TEXT, 3)
    for context in ("", "a", "ab", "da", "xy", "bk"):
        each = [script.probability(model, context, letter, len(LETTERS)) for letter in LETTERS]
        assert min(each) > 0
        np.testing.assert_allclose(sum(each), 1, rtol=1e-12)


def test_by_hand(script):
    # "aab" of 2 letters. One letter: a twice, b once, and half of a uniform distribution each.
    bell = script.WittenBell("aab", 2)
    alone = (2 + 2 * 0.5) / (3 + 2)
    assert script.probability(bell, "", "a", 2) == pytest.approx(alone)
    # After a came a once and b once.
    assert script.probability(bell, "a", "a", 2) == pytest.approx((1 + 2 * alone) / (2 + 2))
    # Pairs aa and ab, each once: D = 1 / (1 + 2 * 0). Each letter ended one kind of pair.
    ney = script.KneserNey("aab", 2)
    assert script.probability(ney, "a", "a", 2) == pytest.approx(0.5)
    expected = -(math.log(0.5) + math.log(0.5)) / 2
    assert script.score(ney, "ab", 2) == pytest.approx(expected)


def test_a_longer_context_helps_where_it_tells(script, kind):
    text = "abac" * 40
    scores = [script.score(kind(text, order), text, 3) for order in (1, 2, 3)]
    assert scores[0] > scores[1] > scores[2] and scores[2] < 0.1
