"""What the distances between features agree on: two matrices of one width, in float64."""

import numpy as np


def checked_features(real, fake, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of features as float64 matrices.

    Args:
        real: float (N, F).
        fake: float (M, F).
        least: smallest N and M.

    Returns:
        The same two, in float64.

    Raises:
        ValueError: They are no matrices of one width, too few, or not finite.
    """
    both = [np.asarray(features, np.float64) for features in (real, fake)]
    for name, features in zip(("real", "fake"), both, strict=True):
        if features.ndim != 2 or len(features) < least or not features.shape[1]:
            raise ValueError(
                f"{name} must be features (N, F) of at least {least} examples, got the shape "
                f"{features.shape}: pass images through a feature extractor first."
            )
        if not np.isfinite(features).all():
            raise ValueError(f"{name} must be finite, got NaN or infinite features.")
    if both[0].shape[1] != both[1].shape[1]:
        raise ValueError(
            f"real and fake must have one number of features, got {both[0].shape[1]} and "
            f"{both[1].shape[1]}."
        )
    return both[0], both[1]
