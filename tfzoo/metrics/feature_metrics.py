"""All distances between real images and samples, over the features of one extractor."""

from collections.abc import Callable

import numpy as np

from tfzoo.metrics.frechet_distance import frechet_distance
from tfzoo.metrics.kernel_distance import kernel_distance
from tfzoo.metrics.neighbours import density_coverage, precision_recall
from tfzoo.metrics.pixels import as_floats


class FeatureMetrics:
    """Fréchet and kernel distance, precision, recall, density and coverage.

    None of these numbers means anything alone: with `reference`, each stands beside its floor,
    what other real images reach in the place of the samples. Of all three kinds of images uint8
    stands for [-1, 1], as everywhere: the extractor is given floats.

    Args:
        extractor: from float images (N, height, width, channels) to features (N, F): an
            `ImageClassifier`, `InceptionFeatures`, or any other function.
        reference: optional images, real and not those that are compared with, such as the
            training set: as many as there are samples stand in for them to measure the floor.
        seed: int, which images of `reference` are taken.

    Call arguments:
        real: real images.
        fake: samples.

    Returns:
        A dictionary of floats; with `reference`, also one of each name with `_floor` behind it.

    Example:
        ```python
        from tfzoo.data import digits
        from tfzoo.metrics import FeatureMetrics

        train, _, test = digits()
        metrics = FeatureMetrics(
            lambda images: images.reshape(len(images), -1), reference=train.images[300:]
        )
        print(metrics(test.images, train.images[:300]))
        ```
    """

    def __init__(
        self,
        extractor: Callable[[np.ndarray], np.ndarray],
        reference: np.ndarray | None = None,
        seed: int = 0,
    ):
        self.extractor, self.reference, self.seed = extractor, reference, seed

    def __call__(self, real, fake) -> dict[str, float]:
        """Compares."""
        features = self._features(real)
        numbers = _compare(features, self._features(fake))
        if self.reference is None:
            return numbers
        floor = _compare(features, self._features(self._stand_ins(len(fake))))
        return numbers | {f"{name}_floor": value for name, value in floor.items()}

    def _features(self, images):
        return np.asarray(self.extractor(as_floats(images)))

    def _stand_ins(self, count):
        if len(self.reference) < count:
            raise ValueError(
                f"reference must have at least as many images as there are samples, {count}, got "
                f"{len(self.reference)}: distances depend on the number."
            )
        rows = np.random.default_rng(self.seed).permutation(len(self.reference))[:count]
        return np.asarray(self.reference)[np.sort(rows)]


def _compare(real, fake):
    return {
        "frechet_distance": frechet_distance(real, fake),
        "kernel_distance": kernel_distance(real, fake),
        **precision_recall(real, fake),
        **density_coverage(real, fake),
    }
