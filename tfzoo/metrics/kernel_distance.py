"""The kernel distance between two clouds of features."""

import numpy as np

from tfzoo.metrics.feature_arrays import checked_features

_ROWS = 2048


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """The squared maximum mean discrepancy with the kernel (x·y / F + 1)³.

    Unlike the Fréchet distance its expectation does not depend on the number of examples, and it
    is 0 for two sets from one distribution; a single value may lie below 0. All pairs count, not
    subsets as in the paper, and no more than 2,048 rows of the kernel are in memory at once.

    Args:
        real: float (N, F), features of real data; N is at least 2.
        fake: float (M, F), features of samples; M is at least 2.

    Returns:
        The unbiased estimate.

    Source: Bińkowski et al. 2018, "Demystifying MMD GANs", section 4; Gretton et al. 2012,
    equation 3, for the estimate.

    Example:
        >>> kernel_distance(np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]]))
        9.5
    """
    real, fake = checked_features(real, fake)
    between = _sum(real, fake) / (len(real) * len(fake))
    return float(_mean_within(real) + _mean_within(fake) - 2 * between)


def _mean_within(features):
    """Mean over all pairs of two different examples."""
    itself = ((features**2).mean(axis=1) + 1) ** 3
    count = len(features)
    return (_sum(features, features) - itself.sum()) / (count * (count - 1))


def _sum(left, right):
    blocks = (left[start : start + _ROWS] for start in range(0, len(left), _ROWS))
    return float(sum((((block @ right.T) / left.shape[1] + 1) ** 3).sum() for block in blocks))
