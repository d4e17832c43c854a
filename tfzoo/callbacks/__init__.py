"""When to look at a run."""

from tfzoo.callbacks.loss_curve import LossCurve
from tfzoo.callbacks.text_samples import TextSamples

__all__ = ["LossCurve", "TextSamples"]
