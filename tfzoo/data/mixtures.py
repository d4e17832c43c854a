"""Mixtures of Gaussians in the plane: data that shows whether a generator forgets modes."""

from typing import NamedTuple

import numpy as np


class GaussianMixture(NamedTuple):
    """Equally likely round Gaussians.

    Attributes:
        modes: float64 array (K, 2), the means.
        deviation: standard deviation of each along each axis.

    Example:
        >>> ring = gaussian_ring()
        >>> len(ring.modes), ring.sample(5, seed=1).shape
        (8, (5, 2))
    """

    modes: np.ndarray
    deviation: float

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """Draws points.

        Args:
            n: int, number of points.
            seed: int. The same seed gives the same points.

        Returns:
            float32 array (n, 2).
        """
        random = np.random.default_rng(seed)
        means = self.modes[random.integers(len(self.modes), size=n)]
        noise = random.normal(scale=self.deviation, size=means.shape)
        return (means + noise).astype(np.float32)

    def scaled(self, factor: float) -> "GaussianMixture":
        """The same mixture, `factor` times as large: means and deviations."""
        return GaussianMixture(self.modes * factor, self.deviation * factor)


def gaussian_grid() -> GaussianMixture:
    """25 Gaussians on a square grid: means in {-4, -2, 0, 2, 4}², deviation 0.05.

    Source: Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial
    networks", section 4.1.

    Example:
        >>> gaussian_grid().modes[[0, 1, 24]].tolist()
        [[-4.0, -4.0], [-4.0, -2.0], [4.0, 4.0]]
    """
    axis = np.arange(-4.0, 5.0, 2.0)
    return GaussianMixture(
        np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2), 0.05
    )


def gaussian_ring() -> GaussianMixture:
    """8 Gaussians on the unit circle, deviation 0.01.

    Source: Lin et al. 2018, "PacGAN", section 4.1.

    Example:
        >>> gaussian_ring().modes[2].round(6).tolist()
        [0.0, 1.0]
    """
    angles = 2 * np.pi * np.arange(8) / 8
    return GaussianMixture(np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01)
