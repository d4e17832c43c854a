"""How many modes of a known mixture samples find, and how evenly."""

import numpy as np


class ModeCount:
    """Counts the modes of a mixture of round Gaussians that samples hit.

    A sample is good if it lies within three standard deviations of the nearest mode; of the
    mixture itself, in the plane, 98.9 % do. A mode is found if one good sample belongs to it.

    Args:
        modes: float (K, F), the means.
        deviation: standard deviation of each along each axis.

    Call arguments:
        real: real data, which the modes stand for; not looked at.
        fake: float (N, F), samples.

    Returns:
        `modes`, the number found; `good`, the share of good samples; `reverse_kl`, the divergence
        in nats of the good samples' distribution over the modes from the uniform one, infinite
        without any.

    Source: Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial
    networks", section 4.1, with 2,500 samples; the divergence as in its program, over good
    samples.

    Example:
        >>> count = ModeCount(modes=np.array([[0.0, 0.0], [5.0, 0.0]]), deviation=0.1)
        >>> count(None, np.array([[0.1, 0.1], [0.0, 0.2], [2.0, 0.0], [0.2, 0.0]]))
        {'modes': 1.0, 'good': 0.75, 'reverse_kl': 0.6931471805599453}
    """

    def __init__(self, modes: np.ndarray, deviation: float):
        self.modes, self.deviation = np.asarray(modes, np.float64), float(deviation)
        if self.modes.ndim != 2 or not self.modes.size or not self.deviation > 0:
            raise ValueError(
                "modes must be means (K, F) and deviation above 0, got the shape "
                f"{self.modes.shape} and {deviation}."
            )

    def __call__(self, real, fake: np.ndarray) -> dict[str, float]:
        """Scores samples."""
        fake = np.asarray(fake, np.float64).reshape(len(fake), -1)
        if not len(fake) or fake.shape[1] != self.modes.shape[1]:
            raise ValueError(
                f"fake must be at least one sample of {self.modes.shape[1]} numbers, got the "
                f"shape {fake.shape}."
            )
        distances = np.linalg.norm(fake[:, None] - self.modes, axis=2)
        is_good = distances.min(axis=1) < 3 * self.deviation
        counts = np.bincount(distances.argmin(axis=1)[is_good], minlength=len(self.modes))
        return {
            "modes": float(np.count_nonzero(counts)),
            "good": float(is_good.mean()),
            "reverse_kl": _divergence_from_uniform(counts),
        }


def _divergence_from_uniform(counts):
    if not counts.any():
        return float("inf")
    shares = counts[counts > 0] / counts.sum()
    return float(shares @ np.log(shares * len(counts)))
