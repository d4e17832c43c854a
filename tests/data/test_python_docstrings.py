import pytest

from tfzoo.data import load_corpus, load_texts, python_docstrings
from tfzoo.data import python_docstrings as module_function
from tfzoo.data.python_docstrings import docstrings

SOURCE = '''
"""What the module is for, in a sentence that is long enough."""

class A:
    """Short."""

    async def f(self):
        """What the method does, in a sentence that is long enough.

            Indented.
        """
        "no docstring, although it is a string that stands alone"

def g():
    return """no docstring either, since it is what the function gives back"""
'''


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """One small package beside the standard library: all of them take half a minute."""
    monkeypatch.setitem(module_function.__globals__, "PACKAGES", ("typer",))
    sources = {"json.py": SOURCE, "same.py": SOURCE, "broken.py": "def"}
    monkeypatch.setitem(module_function.__globals__, "read_python_modules", lambda: sources)


def test_docstrings_and_nothing_else():
    assert docstrings(SOURCE, shortest=20) == [
        "What the module is for, in a sentence that is long enough.",
        "What the method does, in a sentence that is long enough.\n\nIndented.",
    ]
    assert docstrings("no Python", 0) == []


def test_each_text_comes_once_and_packages_come_behind():
    texts = load_texts("python_docstrings")
    assert len(texts) == len(set(texts)) > 20
    assert min(map(len, texts)) >= 80
    assert any("Typer" in text for text in texts)


def test_parts():
    corpus = python_docstrings(validation=0.2, test=0.1)
    everything = load_texts("python_docstrings")
    assert sorted(corpus.train + corpus.validation + corpus.test) == sorted(everything)
    assert load_texts("python_docstrings", split="test") == python_docstrings().test
    assert load_corpus("python_docstrings", validation=0.2, test=0.1) == corpus
    with pytest.raises(ValueError, match="split must be one of train, validation, test, got 'dev'"):
        load_texts("python_docstrings", split="dev")
