"""How right an answer is, as SQuAD's own evaluation measures it."""

import collections
import re
import string
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """What is compared: lower case, without ASCII punctuation, articles and spare white space.

    Args:
        text: an answer.

    Returns:
        Words separated by single spaces.

    Example:
        >>> normalize_answer("The  cat's  Hat, a 'hat'.")
        'cats hat hat'

    Source: the evaluation script of SQuAD 2.0, `normalize_answer`.
    """
    text = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """Whether the prediction equals one of the right answers after normalisation: 0 or 1.

    Args:
        prediction: the given answer; "" says that there is none.
        answers: the right ones; empty if there is none.

    Returns:
        0.0 or 1.0.

    Example:
        >>> exact_match("a cat", ["dog", "The cat."]), exact_match("", []), exact_match("cat", [])
        (1.0, 1.0, 0.0)

    Source: as `normalize_answer`: an answer of nothing but articles and punctuation is left out.
    """
    return float(normalize_answer(prediction) in _golds(answers))


def answer_f1(prediction: str, answers: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of the words, best over the right answers.

    Args:
        prediction: the given answer; "" says that there is none.
        answers: the right ones; empty if there is none.

    Returns:
        In [0, 1]. Where prediction or answer is empty, 1 if both are.

    Example:
        >>> answer_f1("the black cat", ["cat", "white cat"])  # precision 1/2, recall 1
        0.6666666666666666

    Source: as `normalize_answer`.
    """
    words = normalize_answer(prediction).split()
    return max(_f1(words, gold.split()) for gold in _golds(answers))


def _golds(answers):
    return [gold for gold in map(normalize_answer, answers) if gold] or [""]


def _f1(words, gold):
    if not words or not gold:
        return float(words == gold)
    num_same = sum((collections.Counter(words) & collections.Counter(gold)).values())
    # 2 p r / (p + r) with p = same / words and r = same / gold
    return 2 * num_same / (len(words) + len(gold))
