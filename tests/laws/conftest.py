"""Runs every law of this folder on every model of the zoo that makes the promise."""

import numpy as np
import pytest

from tests.laws.zoo import entries


def pytest_generate_tests(metafunc):
    """`entry` is each model in turn; `WANTED` of a file, or of one test, says which of them."""
    if "entry" in metafunc.fixturenames:
        wanted = getattr(metafunc.module, "WANTED", {}) | getattr(metafunc.function, "wanted", {})
        metafunc.parametrize("entry", entries(**wanted), ids=lambda entry: entry.name)


@pytest.fixture
def rng():
    return np.random.default_rng(1729)
