"""What `tfzoo list` says of sizes is what there is."""

import sys

import pytest

from tfzoo import cli, models
from tfzoo.cli.list import parameters

SIZE = dict(num_layers=3, num_heads=2, hidden_dim=14, max_sequence_length=37)


@pytest.mark.parametrize("family", ["GPT", "BERT"])
def test_the_number_of_parameters_is_that_of_the_backbone(family):
    backbone = {"GPT": models.GPTBackbone, "BERT": models.BertBackbone}[family](23, **SIZE)
    assert sum(parameters(family, 23, **SIZE)) == backbone.count_params()


def test_published_sizes_are_found(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tfzoo", "list"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    output = capsys.readouterr().out
    # Radford et al. 2019, table 2, with their vocabulary; Devlin et al. 2019, section 3.
    for number in ("124.4 M", "1,557.6 M", "109.5 M", "335.1 M"):
        assert number in output
    assert "docstring_areas" in output and "digits" in output
