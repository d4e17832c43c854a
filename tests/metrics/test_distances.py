"""Distances between features against scipy, scikit-learn, loops, and theory."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from tfzoo.metrics import (
    density_coverage,
    frechet_distance,
    kernel_distance,
    precision_recall,
    sliced_wasserstein,
)

random = np.random.default_rng(7)
REAL = random.normal(size=(67, 5)) @ random.normal(size=(5, 5))
FAKE = random.normal(size=(53, 5)) @ random.normal(size=(5, 5)) + 0.5


def test_frechet_distance_is_that_of_scipy():
    covariances = np.cov(REAL.T), np.cov(FAKE.T)
    root = sqrtm(covariances[0] @ covariances[1])
    means = np.sum((REAL.mean(0) - FAKE.mean(0)) ** 2)
    expected = means + np.trace(covariances[0] + covariances[1] - 2 * np.real(root))
    assert_allclose(frechet_distance(REAL, FAKE), expected, rtol=1e-9)


def test_frechet_distance_between_gaussians_on_a_line_is_known():
    # (m1 - m2)² + (s1 - s2)²
    left, right = np.array([[-1.0], [1.0]]), np.array([[2.0], [8.0]])
    deviations = np.std(left, ddof=1), np.std(right, ddof=1)
    assert_allclose(frechet_distance(left, right), 25 + (deviations[0] - deviations[1]) ** 2)


def test_frechet_distance_where_there_are_fewer_examples_than_features():
    few = random.normal(size=(3, 11))
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)
    assert_allclose(frechet_distance(few, few + 2), 44, rtol=1e-6)
    assert frechet_distance(few, random.normal(size=(4, 11))) > 1


def test_kernel_distance_is_the_unbiased_estimate():
    def kernel(left, right):
        return polynomial_kernel(left, right, degree=3, gamma=1 / 5, coef0=1)

    def off_diagonal(matrix):
        return matrix[~np.eye(len(matrix), dtype=bool)].mean()

    expected = off_diagonal(kernel(REAL, REAL)) + off_diagonal(kernel(FAKE, FAKE))
    expected -= 2 * kernel(REAL, FAKE).mean()
    assert_allclose(kernel_distance(REAL, FAKE), expected, rtol=1e-9)


def test_kernel_distance_is_unbiased():
    random = np.random.default_rng(11)
    draws = [kernel_distance(*random.normal(size=(2, 13, 2))) for _ in range(800)]
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(800)
    assert min(draws) < 0


def test_precision_and_recall_are_those_of_scikit_learn():
    assert precision_recall(REAL, FAKE, k=3) == {
        "precision": pytest.approx(share_reached(FAKE, REAL, 3)),
        "recall": pytest.approx(share_reached(REAL, FAKE, 3)),
    }


def share_reached(points, centres, k):
    nearest = NearestNeighbors(n_neighbors=k + 1).fit(centres)
    reach = nearest.kneighbors(centres)[0][:, k]  # the first is the centre itself
    is_near = np.linalg.norm(points[:, None] - centres, axis=2) <= reach
    return is_near.any(axis=1).mean()


def test_density_and_coverage_by_loops():
    k, num_reaching, covered = 2, 0, set()
    for i, centre in enumerate(REAL):
        others = sorted(np.linalg.norm(centre - other) for other in np.delete(REAL, i, axis=0))
        for sample in FAKE:
            if np.linalg.norm(sample - centre) <= others[k - 1]:
                num_reaching += 1
                covered.add(i)
    result = density_coverage(REAL, FAKE, k=k)
    assert_allclose(result["density"], num_reaching / (k * len(FAKE)))
    assert_allclose(result["coverage"], len(covered) / len(REAL))
    assert 0 < result["coverage"] < 1


def test_density_and_coverage_of_the_same_distribution_are_what_theory_says():
    # Naeem et al. 2020, section 3.3: E[density] = 1, E[coverage] near 1 - 2^-k for N = M.
    left, right = np.random.default_rng(3).normal(size=(2, 2000, 2))
    result = density_coverage(left, right, k=3)
    assert_allclose(result["density"], 1, atol=0.06)
    assert_allclose(result["coverage"], 1 - 2**-3, atol=0.02)


def test_blocks_do_not_show(monkeypatch):
    whole = precision_recall(REAL, FAKE), density_coverage(REAL, FAKE), kernel_distance(REAL, FAKE)
    for metric in (precision_recall, kernel_distance):
        monkeypatch.setitem(metric.__globals__, "_ROWS", 10)
    parts = precision_recall(REAL, FAKE), density_coverage(REAL, FAKE), kernel_distance(REAL, FAKE)
    assert parts[:2] == whole[:2]
    assert_allclose(parts[2], whole[2], rtol=1e-12)


def test_far_from_the_origin_the_neighbours_are_the_same():
    moved = precision_recall(REAL + 1e6, FAKE + 1e6), density_coverage(REAL + 1e6, FAKE + 1e6)
    assert moved == (precision_recall(REAL, FAKE), density_coverage(REAL, FAKE))


def test_repeated_examples_reach_each_other():
    twice = np.repeat(REAL[:7], 2, axis=0)
    assert precision_recall(twice, REAL[:7], k=1)["precision"] == 1
    assert density_coverage(twice, REAL[3:7], k=1)["coverage"] == 4 / 7


def test_sliced_wasserstein_on_a_line_is_that_of_scipy():
    left, right = REAL[:, :1], FAKE[:31, :1]
    expected = wasserstein_distance(left[:, 0], right[:, 0])
    assert_allclose(sliced_wasserstein(left, right), expected, rtol=1e-9)


def test_sliced_wasserstein_of_a_shift_is_known():
    # |cos| has the mean 2/π over the circle; a shift by t moves all mass by |t · direction|.
    distance = sliced_wasserstein(REAL[:, :2], REAL[:, :2] + [3.0, 4.0], num_directions=4001)
    assert_allclose(distance, 5 * 2 / np.pi, rtol=0.03)
    again = sliced_wasserstein(REAL, FAKE, seed=3)
    assert again == sliced_wasserstein(REAL, FAKE, seed=3) != sliced_wasserstein(REAL, FAKE, seed=4)


ALL = [frechet_distance, kernel_distance, precision_recall, density_coverage, sliced_wasserstein]


@pytest.mark.parametrize("metric", ALL)
def test_what_is_no_features(metric):
    with pytest.raises(ValueError, match=r"fake must be features \(N, F\) .* shape \(53, 5, 1\)"):
        metric(REAL, FAKE[..., None])
    with pytest.raises(ValueError, match="one number of features, got 5 and 4"):
        metric(REAL, FAKE[:, :4])
    with pytest.raises(ValueError, match="real must be finite"):
        metric(np.full_like(REAL, np.nan), FAKE)
    with pytest.raises(ValueError, match="real must be features .* shape"):
        metric(REAL[:0], FAKE)


def test_too_few_for_k_neighbours():
    for metric, k in itertools.product((precision_recall, density_coverage), (7, 9)):
        with pytest.raises(ValueError, match=f"real must be features .* at least {k + 1} examples"):
            metric(REAL[:7], FAKE, k=k)
