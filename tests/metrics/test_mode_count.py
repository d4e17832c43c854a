import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import entropy

from tfzoo.data import gaussian_grid, gaussian_ring
from tfzoo.metrics import ModeCount

MODES = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])


def test_by_hand():
    fake = [[0, 0.29], [0.29, 0], [4.8, 0.1], [0, 0.31], [3, 3], [0.1, 0.1]]
    result = ModeCount(MODES, 0.1)(None, np.array(fake))
    assert (result["modes"], result["good"]) == (2, 4 / 6)
    assert_allclose(result["reverse_kl"], entropy([3 / 4, 1 / 4, 0], [1 / 3] * 3))


def test_nothing_found():
    result = ModeCount(MODES, 0.1)(None, np.full([3, 2], 2.5))
    assert result == {"modes": 0.0, "good": 0.0, "reverse_kl": float("inf")}


@pytest.mark.parametrize(("mixture", "num_modes"), [(gaussian_grid(), 25), (gaussian_ring(), 8)])
def test_the_data_themselves_score_what_theory_says(mixture, num_modes):
    scores = [ModeCount(*mixture)(None, mixture.sample(2500, seed=seed)) for seed in range(20)]
    assert all(score["modes"] == num_modes for score in scores)
    assert_allclose(np.mean([score["good"] for score in scores]), 1 - np.exp(-4.5), atol=0.002)
    # The divergence of counts from what they are drawn from: (K - 1) / 2N.
    expected = (num_modes - 1) / 5000
    assert_allclose(np.mean([score["reverse_kl"] for score in scores]), expected, rtol=0.35)


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match=r"deviation above 0, got the shape \(3, 2\) and 0"):
        ModeCount(MODES, 0)
    with pytest.raises(ValueError, match=r"samples? of 2 numbers, got the shape \(4, 3\)"):
        ModeCount(MODES, 0.1)(None, np.zeros([4, 3]))
