import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture
def cost_model(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    yield __import__("cost_model")
    sys.modules.pop("cost_model", None)


def machine(cost_model, **changes):
    numbers = dict(name="", devices=6, group=3, peak=1e12, inside=4e9, between=1e9, latency=1e-3)
    return cost_model.Machine(**{**numbers, **changes})


def test_one_device_reduces_nothing_and_computes_six_operations_a_parameter_and_token(cost_model):
    alone = machine(cost_model, devices=1)
    assert cost_model.step_seconds(alone, 5e6, 700, 0.5) == (6 * 5e6 * 700 / 0.5e12, 0)


def test_a_reduction_goes_through_the_group_and_then_between_groups(cost_model):
    inside = 2 * 2 * (9e9 / 3 / 2e9 + 1e-4)  # two of three devices, twice, at half of 4 GB/s
    between = 2 * 1 * (3e9 / 2 / 0.5e9 + 1e-3)  # a third of it, with the other group
    found = cost_model.reduce_seconds(machine(cost_model), 9e9)
    assert found == pytest.approx(inside + between)
