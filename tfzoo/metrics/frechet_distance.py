"""The Fréchet distance between two clouds of features."""

import numpy as np

from tfzoo.metrics.feature_arrays import checked_features


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """How far apart two sets of features are, when each is taken for a Gaussian.

    |m_r - m_f|² + tr(C_r + C_f - 2 (C_r C_f)^½) with the means m and covariances C, in float64.
    With few features it is too large: compare sets of equal size only, and print beside it what
    two sets of real ones have between them.

    Args:
        real: float (N, F), features of real data; N is at least 2.
        fake: float (M, F), features of samples; M is at least 2.

    Returns:
        The squared distance, at least 0.

    Source: Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local
    Nash equilibrium", section 3; Dowson and Landau 1982 for the formula.

    Example:
        >>> points = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
        >>> round(frechet_distance(points, points + [3.0, 4.0]), 6)
        25.0
    """
    real, fake = checked_features(real, fake)
    difference = real.mean(axis=0) - fake.mean(axis=0)
    covariance, other = _covariance(real), _covariance(fake)
    # The eigenvalues of C_r C_f are those of the symmetric C_r^½ C_f C_r^½.
    root = _root(covariance)
    eigenvalues = np.linalg.eigvalsh(root @ other @ root)
    overlap = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    distance = difference @ difference + np.trace(covariance) + np.trace(other) - 2 * overlap
    return max(float(distance), 0.0)


def _covariance(features):
    return np.atleast_2d(np.cov(features, rowvar=False))


def _root(matrix):
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(eigenvalues, 0))) @ vectors.T
