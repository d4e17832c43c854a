"""Runs every law of this folder on every model of the zoo."""

import numpy as np
import pytest

from tests.laws.zoo import ZOO


@pytest.fixture(params=ZOO, ids=lambda entry: entry.name)
def entry(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(1729)
