import numpy as np
import pytest

from tfzoo.models.bert.answer_spans import IMPOSSIBLE, best_answers, best_spans, row_losses

W, T = 7, 11
DOCUMENT = np.array([0, 0, 0, 1, 2, 2, 2])


@pytest.fixture
def rng():
    return np.random.default_rng(23)


@pytest.fixture
def logits(rng):
    return rng.normal(0, 3, (W, 2, T)).astype("float32")


@pytest.fixture
def in_context(rng):
    first, limit = rng.integers(1, 5, W), rng.integers(6, T + 1, W)
    return (np.arange(T) >= first[:, None]) & (np.arange(T) < limit[:, None])


def all_spans(logits, in_context, longest):
    """Every valid span of every window: `(window, first, last, logit)`."""
    return [
        (w, i, j, logits[w, 0, i] + logits[w, 1, j])
        for w in range(W)
        for i in range(T)
        for j in range(i, min(i + longest, T))
        if in_context[w, i] and in_context[w, j]
    ]


@pytest.mark.parametrize("longest", [1, 3, 30])
def test_the_best_span_is_the_best_of_all(logits, in_context, longest):
    spans = all_spans(logits, in_context, longest)
    found = best_spans(logits, in_context, longest)
    answers = best_answers(found, DOCUMENT, 3)
    for document in range(3):
        mine = [span for span in spans if DOCUMENT[span[0]] == document]
        window, first, last, logit = max(mine, key=lambda span: span[3])
        assert answers.row[document] == window
        assert (answers.first_place[document], answers.last_place[document]) == (first, last)
        np.testing.assert_allclose(answers.logit[document], logit, rtol=1e-5)
        no_answer = min(logits[w, :, 0].sum() for w in range(W) if DOCUMENT[w] == document)
        np.testing.assert_allclose(answers.no_answer[document], no_answer, rtol=1e-5)
        total = np.log(np.exp([s[3] for s in mine]).sum() + np.exp(no_answer))
        np.testing.assert_allclose(answers.log_total[document], total, rtol=1e-5)


def test_a_window_without_context_is_never_chosen(logits, in_context):
    in_context[[0, 3]] = False
    answers = best_answers(best_spans(logits, in_context, 5), DOCUMENT, 3)
    assert answers.row[0] in (1, 2)
    assert answers.logit[1] < IMPOSSIBLE / 2  # its only window
    np.testing.assert_allclose(answers.log_total[1], answers.no_answer[1], rtol=1e-5)
    assert np.isfinite(answers.log_total).all()


def test_the_loss_is_half_that_of_both_ends(logits, rng):
    targets = rng.integers(0, T, (W, 2))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    expected = [
        -(np.log(probabilities[w, 0, a]) + np.log(probabilities[w, 1, b])) / 2
        for w, (a, b) in enumerate(targets)
    ]
    np.testing.assert_allclose(row_losses(targets, logits), expected, rtol=1e-4)
