import contextlib
import io
import re
import sys

import keras
import pytest

from tfzoo.callbacks.progress_bar import ProgressBar, with_progress_bar
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


def test_losses_come_first_and_what_is_too_long_makes_room(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    bar = ProgressBar()
    bar.set_params({"verbose": 1, "epochs": 1, "steps": 10_000})
    logs = dict(fake_logits=0.1, a_very_long_name_of_a_loss=0.1, generator_loss=-1.25, gap=1e-5)
    # 80 - 1 - 22 - 19 - 2 * 5 = 28 columns, of which " - generator_loss: -1.2500" takes 26.
    assert bar._fitting(logs) == {"generator_loss": -1.25}
    monkeypatch.setenv("COLUMNS", "100")
    # 48, of which the long name takes 38 and leaves too little for any other.
    assert bar._fitting(logs) == {"a_very_long_name_of_a_loss": 0.1}
    monkeypatch.setenv("COLUMNS", "30")
    assert bar._fitting(logs) == {}


def test_a_program_without_a_terminal_trains(model, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert with_progress_bar(None, "auto") is None
    monkeypatch.undo()
    own = keras.callbacks.ProgbarLogger()
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    with contextlib.redirect_stdout(terminal):
        assert with_progress_bar([own]) == [own]


def test_who_wants_silence_or_another_form_has_it(model, drawn):
    assert drawn(model.fit, ["some text"] * 9, batch_size=2, verbose=0) == []
    assert len(drawn(model.fit, ["some text"] * 9, batch_size=2, verbose=2)) == 1
