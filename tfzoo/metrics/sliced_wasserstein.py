"""The Wasserstein distance of shadows: between two clouds, seen along random directions."""

import numpy as np

from tfzoo.metrics.feature_arrays import checked_features


def sliced_wasserstein(
    real: np.ndarray, fake: np.ndarray, num_directions: int = 128, seed: int = 0
) -> float:
    """The mean over random directions of how far mass has to be moved along them.

    It needs no extractor: flattened pixels do. Each direction is a unit vector, uniform on the
    sphere; along it, the distance is the area between the two cumulative distributions.

    Args:
        real: float (N, F).
        fake: float (M, F).
        num_directions: int >= 1.
        seed: int. The same seed takes the same directions.

    Returns:
        The distance in units of the features, at least 0.

    Source: Rabin et al. 2012, "Wasserstein barycenter and its application to texture mixing",
    section 3, with the first power in the place of the second.

    Example:
        >>> round(sliced_wasserstein(np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])), 6)
        2.0
    """
    real, fake = checked_features(real, fake, 1)
    if num_directions < 1:
        raise ValueError(f"num_directions must be at least 1, got {num_directions}.")
    directions = np.random.default_rng(seed).normal(size=(num_directions, real.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return float(np.mean([_distance(real @ unit, fake @ unit) for unit in directions]))


def _distance(left, right):
    """Area between the cumulative distributions of two sets of numbers."""
    left, right = np.sort(left), np.sort(right)
    edges = np.sort(np.concatenate([left, right]))
    shares = [np.searchsorted(x, edges[:-1], side="right") / len(x) for x in (left, right)]
    return np.abs(shares[0] - shares[1]) @ np.diff(edges)
