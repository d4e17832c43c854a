"""How good a GAN is: its losses, and how its samples compare with real ones."""

import numpy as np

from tfzoo.models.gan import raw_samples
from tfzoo.models.gan.choices import require_metrics
from tfzoo.models.task import Task


def evaluate(self, x=None, y=None, batch_size=32, metrics=(), num_samples=None, **kwargs):
    """Evaluates the losses as `Task.evaluate` does, and compares samples with real ones.

    Args:
        x: like `x` of `fit`.
        y: like `y` of `fit`.
        batch_size: int; ignored for prepared datasets.
        metrics: list of callables `(real, fake) -> dict of float`: `FeatureMetrics`,
            `ModeCount` of `tfzoo.metrics`, or a function of your own; both are float32 arrays
            as `generate` makes them.
        num_samples: optional int, how many are generated; by default as many as are real. With
            classes each has the label of a real one.
        **kwargs: passed to `keras.Model.evaluate`; `return_dict=True` names the numbers.

    Returns:
        The losses, and with `metrics` a dict of all numbers.
    """
    require_metrics(metrics)
    if not metrics:
        return Task.evaluate(self, x, y, batch_size, **kwargs)
    logs = Task.evaluate(self, x, y, batch_size, **{**kwargs, "return_dict": True})
    real, labels = raw_samples.gathered(self, x, y, batch_size)
    num_samples = num_samples or len(real)
    labels = None if labels is None else np.resize(labels, num_samples)
    fake = self.generate(num_samples, labels, seed=0)
    for metric in metrics:
        found = metric(real, fake)
        if not isinstance(found, dict):
            raise ValueError(
                "`metrics` must return a dict of numbers with names; received "
                f"{found!r:.80} from {metric!r:.80}."
            )
        logs |= found
    return logs
