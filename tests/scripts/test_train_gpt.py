"""The recipe of GPT from end to end, for a few steps of a small network."""

import importlib
import json
import math
import re
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SMALL = json.dumps(
    dict(num_layers=1, num_heads=2, hidden_dim=16, length=16, batch_size=4, steps=40)
)


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("train_gpt")


@pytest.fixture
def run(script, monkeypatch, capsys):
    """Runs scripts/train_gpt.py with arguments; returns what it prints."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["train_gpt.py", *map(str, arguments)])
        script.main()
        return capsys.readouterr().out

    return run


def test_two_seeds_learn_a_text(run, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("abcd" * 500)
    printed = run("--data", text, "--seeds", 0, 1, "--set", SMALL, "--output", tmp_path / "out")
    scores = [float(score) for score in re.findall(r"seed \d: ([\d.]+) nats", printed)]
    assert "40 steps of 4 x 16" in printed
    # Four characters, each known from the one before it.
    assert len(scores) == 2 and max(scores) < 0.5 * math.log(4)
    mean, deviation = map(float, re.search(r"nanogpt-cpu: ([\d.]+) ± ([\d.]+)", printed).groups())
    assert mean == pytest.approx(sum(scores) / 2, abs=2e-4)
    assert deviation == pytest.approx(abs(scores[0] - scores[1]) / math.sqrt(2), abs=2e-4)
    saved = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert saved == ["nanogpt-cpu-0", "nanogpt-cpu-1"]


def test_what_the_recipe_does_not_know_is_refused(run, tmp_path):
    (tmp_path / "text.txt").write_text("abcd" * 500)
    with pytest.raises(SystemExit, match="--set knows num_layers, .*; received 'layers'."):
        run("--data", tmp_path / "text.txt", "--set", '{"layers": 3}')


def test_a_prepared_dataset_goes_by_its_bare_name(script, tmp_path):
    (tmp_path / "plays").mkdir()
    assert script.source_of("plays", tmp_path) == "tfds:plays"
    assert script.source_of("poems", tmp_path) == "poems"
    assert script.source_of("plays", None) == "plays"
    assert script.source_of(str(tmp_path), tmp_path) == str(tmp_path)  # a folder of texts
