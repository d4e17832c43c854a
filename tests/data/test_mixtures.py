import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from tfzoo.data import gaussian_grid, gaussian_ring


def test_modes_are_pacgans():
    grid = [(-4 + 2 * i, -4 + 2 * j) for i in range(5) for j in range(5)]
    assert_allclose(gaussian_grid().modes, grid)
    assert gaussian_grid().deviation == 0.05
    ring = np.exp(2j * np.pi * np.arange(8) / 8)
    assert_allclose(gaussian_ring().modes, np.stack([ring.real, ring.imag], 1), atol=1e-12)
    assert gaussian_ring().deviation == 0.01


def test_samples_lie_around_the_modes_as_they_should():
    ring = gaussian_ring()
    points = ring.sample(80_000, seed=3)
    distances = np.linalg.norm(points[:, None] - ring.modes, axis=2)
    nearest = distances.argmin(1)
    assert_allclose(np.bincount(nearest) / 80_000, 1 / 8, atol=0.005)
    residuals = points - ring.modes[nearest]
    assert_allclose(residuals.std(axis=0), 0.01, rtol=0.02)
    # A share of exp(-9/2) lies outside three deviations of a round Gaussian.
    assert_allclose((distances.min(1) > 0.03).mean(), np.exp(-4.5), atol=0.002)


def test_samples_follow_the_seed_and_the_scale():
    grid = gaussian_grid()
    assert_array_equal(grid.sample(7, seed=5), grid.sample(7, seed=5))
    assert not np.array_equal(grid.sample(7, seed=5), grid.sample(7, seed=6))
    assert grid.sample(7).dtype == np.float32
    assert_allclose(grid.scaled(0.25).sample(7, seed=5), grid.sample(7, seed=5) / 4, rtol=1e-6)
    assert grid.scaled(0.25).deviation == 0.0125
