import email.message
import inspect
import queue

import pytest

from tfzoo.data import docstring_areas, split


@pytest.fixture(scope="module")
def corpus():
    return docstring_areas()


def test_docstrings_are_in_the_area_of_their_module(corpus):
    texts, labels = (sum((list(part[n]) for part in corpus), []) for n in (0, 1))
    area_of = dict(zip(texts, labels, strict=True))
    assert area_of[inspect.cleandoc(queue.PriorityQueue.__doc__)] == "concurrency"
    assert area_of[inspect.cleandoc(email.message.Message.__doc__)] == "mail and markup"
    assert len(area_of) == len(texts) > 3000
    assert min(map(len, texts)) >= 20


def test_every_area_is_in_every_part(corpus):
    assert [part.class_names for part in corpus] == [corpus.train.class_names] * 3
    assert len(corpus.train.class_names) == 9


def test_the_split_is_that_of_split(corpus):
    everything = sum((list(part.texts) for part in corpus), [])
    parts = split(everything, 0.1, 0.1, seed=0)
    assert [sorted(part) for part in parts] == [sorted(part.texts) for part in corpus]
    assert docstring_areas(seed=1).test.texts != corpus.test.texts
    assert repr(corpus).startswith(f"LabelledCorpus(train: {len(corpus.train.texts):,} texts; v")
