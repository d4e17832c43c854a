"""The recipes from end to end, for a few steps of small networks."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tfzoo.data import digits

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch):
    """A module of scripts/, by its name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


def rows(printed):
    return {cells[0]: cells[1:] for cells in re.findall(r"\| (.+?) \| (.*?) \| (.*?) \|", printed)}


def test_two_seeds_of_points(script, monkeypatch, capsys):
    small = '{"steps": 10, "hidden_dims": [7]}'
    command = ["train_gan.py", "ring", "--seeds", "100", "101", "--set", small]
    monkeypatch.setattr(sys, "argv", command)
    script("train_gan").main()
    printed = capsys.readouterr().out
    assert "seed 100: modes" in printed and "seed 101: modes" in printed
    table = rows(printed)
    assert table["modes"][1] == "8.0000 ± 0.0000"
    mean, deviation = map(float, table["good"][1].split(" ± "))
    assert 0.97 < mean < 1 and deviation < 0.01
    assert float(table["good"][0].split(" ± ")[0]) < 0.5


def test_what_the_recipe_does_not_know_is_refused(script, monkeypatch):
    for recipe, known in [("ring", "latent_dim"), ("digits", "classifier_epochs")]:
        changes = '{"steps": 10, "epoch": 3}'
        monkeypatch.setattr(sys, "argv", ["train_gan.py", recipe, "--set", changes])
        with pytest.raises(SystemExit, match=f"--set knows .*{known}.*; received 'epoch'."):
            script("train_gan").main()


def test_help_says_where_the_keys_are_and_what_is_left_out(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_gan.py", "--help"])
    with pytest.raises(SystemExit):
        script("train_gan").main()
    printed = capsys.readouterr().out
    for words in ("scripts/gan_recipes/points.py", "default: runs", "default: 0", "default: {}"):
        assert words in printed


def test_digits_leave_numbers_and_pictures(script, monkeypatch, capsys, tmp_path):
    small = '{"steps": 20, "base_dim": 4, "classifier_epochs": 4}'
    command = ["train_gan.py", "digits", "--tune", "--set", small, "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)
    script("train_gan").main()
    printed = capsys.readouterr().out
    assert printed.startswith(
        f"Trains digits with {small}, seed 0; pictures go to {tmp_path}/digits*/"
    )
    table = rows(printed)
    assert float(table["classification accuracy score"][1]) > 0.6
    assert float(table["frechet distance"][0]) > float(table["frechet distance"][1]) > 0
    names = {path.name for path in (tmp_path / "digits-0").iterdir()}
    assert names == {"loss.png", "model.keras", "samples.png", "training.gif"}


def test_tuning_never_sees_the_test_set(script):
    data = script("gan_recipes.images").data
    train, validation = data("digits", None, True)
    whole, test = data("digits", None, False)
    seen = {image.tobytes() for image in [*train.images, *validation.images]}
    assert len(train.images) + len(validation.images) == len(whole.images)
    assert not seen & {image.tobytes() for image in test.images}


def test_recipes_and_baseline_differ_in_what_they_say(script):
    images = script("gan_recipes.images")
    for changes in ({}, images.BASELINES["dcgan"]):
        recipe = images.RECIPES["digits"] | {"base_dim": 4, "steps": 8} | changes
        model = images.build(recipe, digits().train)
        rates = [float(np.array(o.learning_rate)) for o in model.optimizers]
        assert_allclose(rates, recipe["learning_rate"])
        assert len(model.regularizers) == (0 if changes else 2)
        assert (model.average_generator is None) == bool(changes)
