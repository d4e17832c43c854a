"""Every public name is explained, and every example in an explanation runs."""

import doctest
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap

import pytest

import tfzoo

EXAMPLE_TITLE = re.compile(r"^ *Examples?:", re.MULTILINE)
CODE_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


def public_names():
    """Yields (name, object) of everything public, whether `tfzoo` itself names its room or not."""
    yield from names_in(tfzoo)
    for module in pkgutil.iter_modules(tfzoo.__path__, "tfzoo."):
        yield from names_in(importlib.import_module(module.name))


def names_in(module):
    for name in getattr(module, "__all__", []):
        value = getattr(module, name)
        if inspect.isroutine(value) or inspect.isclass(value):
            yield f"{module.__name__}.{name}", value
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isroutine(function) and not method.startswith("_"):
                    yield f"{module.__name__}.{name}.{method}", getattr(value, method)


def examples():
    for path, value in EXPLAINED:
        for _, code in CODE_BLOCK.findall(inspect.getdoc(value) or ""):
            yield pytest.param(textwrap.dedent(code), id=path)


def sessions():
    for path, value in EXPLAINED:
        # An inherited explanation is not this name's.
        text = inspect.cleandoc(value.__doc__ or "")
        names = vars(sys.modules[value.__module__]).copy()
        session = doctest.DocTestParser().get_doctest(text, names, path, None, None)
        if session.examples:
            yield pytest.param(session, id=path)


# What two names reach is explained once.
EXPLAINED = list({id(value): (path, value) for path, value in public_names()}.values())


def test_there_are_examples():
    assert len(list(examples())) + len(list(sessions())) >= 10


@pytest.mark.parametrize("code", list(examples()))
def test_example_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "<example>", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("session", list(sessions()))
def test_session_prints_what_it_says(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    failed, _ = runner.run(session, out=report.append)
    assert not failed, "".join(report)


@pytest.mark.parametrize("value", [pytest.param(value, id=path) for path, value in EXPLAINED])
def test_every_public_name_is_explained(value):
    text = inspect.getdoc(value) or ""
    assert text.strip()
    is_executed = ">>>" in text or bool(CODE_BLOCK.search(text))
    assert bool(EXAMPLE_TITLE.search(text)) == is_executed, (
        "an example must be executable: ```python or >>>"
    )
