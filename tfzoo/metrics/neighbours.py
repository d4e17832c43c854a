"""Who lies within whose reach: how far samples fill the support of the data, and stay in it."""

from collections.abc import Iterator

import numpy as np

from tfzoo.metrics.feature_arrays import checked_features

_ROWS = 1024


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> dict[str, float]:
    """Precision: the share of samples near real data. Recall: of real data near samples.

    Near is within the distance that some example of the other set has to its own k-th neighbour.

    Args:
        real: float (N, F), features of real data; N is more than k.
        fake: float (M, F), features of samples; M is more than k.
        k: int >= 1, the neighbour that sets the reach.

    Returns:
        `precision` and `recall`, in [0, 1].

    Source: Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing
    generative models", section 2.

    Example:
        >>> real = np.array([[0.0], [1.0], [2.0], [9.0]])
        >>> precision_recall(real, np.array([[0.5], [1.5], [30.0], [50.0]]), k=1)
        {'precision': 0.5, 'recall': 0.75}
    """
    real, fake = checked_features(real, fake, k + 1)
    precision = _num_reached(fake, real, _reach(real, k)) > 0
    recall = _num_reached(real, fake, _reach(fake, k)) > 0
    return {"precision": float(precision.mean()), "recall": float(recall.mean())}


def density_coverage(real: np.ndarray, fake: np.ndarray, k: int = 5) -> dict[str, float]:
    """Density: how many real examples reach a sample. Coverage: how many reach any.

    Density is 1 for samples from the data's own distribution, and more for those that keep to its
    middle. Both use the reach of real examples alone, so that an odd sample cannot inflate them.

    Args:
        real: float (N, F), features of real data; N is more than k.
        fake: float (M, F), features of samples; M is more than k.
        k: int >= 1, the neighbour that sets the reach.

    Returns:
        `density`, at least 0, and `coverage`, in [0, 1].

    Source: Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models",
    section 3.

    Example:
        >>> real = np.array([[0.0], [1.0], [2.0], [9.0]])
        >>> density_coverage(real, np.array([[0.5], [1.5], [30.0], [50.0]]), k=1)
        {'density': 1.0, 'coverage': 0.75}
    """
    real, fake = checked_features(real, fake, k + 1)
    reach = _reach(real, k)
    num_reaching, has_sample = 0, np.zeros(len(real), bool)
    for _, squared in _squared_distances(fake, real):
        is_near = squared <= reach
        num_reaching += int(is_near.sum())
        has_sample |= is_near.any(axis=0)
    return {"density": num_reaching / (k * len(fake)), "coverage": float(has_sample.mean())}


def _reach(features, k):
    """Squared distance of each example to its k-th neighbour among the others: float64 (N,)."""
    reach = np.empty(len(features))
    for rows, squared in _squared_distances(features, features):
        # An example is no neighbour of itself; another one at the same place is.
        squared[np.arange(len(squared)), np.arange(rows.start, rows.start + len(squared))] = np.inf
        reach[rows] = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return reach


def _num_reached(points, centres, reach):
    """How many centres have each point within their reach: int (N,)."""
    return np.concatenate(
        [(squared <= reach).sum(axis=1) for _, squared in _squared_distances(points, centres)]
    )


def _squared_distances(left, right) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields rows of the matrix of squared distances, a block that fits into memory at a time."""
    # Small numbers lose less when squares are subtracted.
    middle = right.mean(axis=0)
    left, right = left - middle, right - middle
    squares = (right**2).sum(axis=1)
    for start in range(0, len(left), _ROWS):
        rows = slice(start, start + _ROWS)
        block = left[rows]
        squared = (block**2).sum(axis=1, keepdims=True) - 2 * (block @ right.T) + squares
        yield rows, np.maximum(squared, 0)
