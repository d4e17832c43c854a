import contextlib
import io
import re

import pytest

from tfzoo.models import GPTBackbone, GPTCausalLM
from tfzoo.preprocessing import ByteTokenizer, CausalLMPreprocessor

CODES = re.compile(r"\x1b\[\d+m")


@pytest.fixture
def model():
    model = GPTCausalLM(GPTBackbone(257, 1, 2, 6), CausalLMPreprocessor(ByteTokenizer(), 11))
    model.compile()
    return model


@pytest.fixture
def drawn(monkeypatch):
    """What a verb draws on a terminal of 80 columns, each drawing of the line by itself."""
    monkeypatch.setenv("COLUMNS", "80")

    def drawn(verb, *args, **kwargs):
        terminal = io.StringIO()
        terminal.isatty = lambda: True
        with contextlib.redirect_stdout(terminal):
            verb(*args, **kwargs)
        lines = re.split(r"[\r\n]+", CODES.sub("", terminal.getvalue()).replace("\b", ""))
        return [line.rstrip() for line in lines if "/step" in line]

    return drawn


def test_the_line_of_a_step_fits_into_the_terminal(model, drawn):
    *steps, end = drawn(model.fit, ["some text"] * 99, batch_size=2, steps_per_epoch=40)
    assert steps and all(len(line) < 80 for line in steps)
    assert all("loss:" in line and "gradient_norm" not in line for line in steps)
    assert "loss:" in end and "gradient_norm:" in end


def test_that_of_evaluate_too(model, drawn):
    *steps, end = drawn(model.evaluate, ["some text"] * 99, batch_size=2)
    assert steps and all(len(line) < 80 and "loss:" in line for line in steps)
    assert "perplexity:" in end


def test_who_wants_silence_or_another_form_has_it(model, drawn):
    assert drawn(model.fit, ["some text"] * 9, batch_size=2, verbose=0) == []
    assert len(drawn(model.fit, ["some text"] * 9, batch_size=2, verbose=2)) == 1
