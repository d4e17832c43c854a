"""`tfzoo benchmark` times what the families do."""

import sys

import pytest
import tensorflow as tf

from tfzoo.cli import main
from tfzoo.cli.programs import Program

SMALL = {
    "gpt": "--size nano --length 16 --batch-size 2 --vocabulary-size 300",
    "bert": "--size tiny --length 16 --batch-size 2 --vocabulary-size 300",
    "gan": "--base-dim 2 --batch-size 4",
}


def printed(family, options, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tfzoo", "benchmark", family, *options.split()])
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    lines = capsys.readouterr().out.splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


@pytest.mark.parametrize("family", SMALL)
def test_a_row_for_each_program(family, monkeypatch, capsys):
    step, other = printed(family, f"{SMALL[family]} --seconds 0.1", monkeypatch, capsys)
    assert step[0].endswith("step") and step[-1].endswith("%")
    for row in (step, other):
        assert int(row[2]) >= 3 and float(row[3].replace(",", "")) > 0


def test_rates_are_of_the_median_call(monkeypatch, capsys):
    monkeypatch.setattr(Program, "time", lambda *_: (7.25, [4.0, 0.5, 0.25]))
    step, generation = printed("gpt", SMALL["gpt"], monkeypatch, capsys)
    # Two rows of 16 in half a second; of each, 4 are the prompt of the other program.
    assert step[1:5] == ["7.2", "3", "500.0", "64"]
    assert generation[1:] == ["7.2", "3", "500.0", "48", "-"]


@pytest.mark.parametrize("command", ["benchmark", "check-tpu"])
@pytest.mark.parametrize(
    ("family", "option", "owner"),
    [("gan", "--length", "gpt and bert"), ("bert", "--base-dim", "gan")],
)
def test_an_option_of_another_family_is_refused(
    command, family, option, owner, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["tfzoo", command, family, option, "16"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    sentence = f"`{option}` is an option of {owner}; received it with {family}"
    assert sentence in capsys.readouterr().err


def test_the_first_call_is_apart():
    calls = []

    def function(x):
        tf.py_function(lambda: calls.append(1), [], [])
        return x + 1

    first, times = Program("", function, [tf.ones([2])], units=2).time(seconds=0.01)
    assert len(times) == len(calls) - 1 >= 3 and first > 0
