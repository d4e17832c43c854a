"""Says so when a GAN no longer plays."""

import warnings

import keras
import numpy as np


class CollapseWarning(keras.callbacks.Callback):
    """Warns when the discriminator wins outright, and when samples collapse.

    The discriminator wins when its logits of real and of generated samples lie further apart, in
    the mean over an epoch, than `margin`: its sigmoid is then as good as 0 and 1, and the generator
    learns next to nothing. With a loss whose logits have no such scale, `Wasserstein`, nothing is
    said about it. Samples collapse when two of them are, in the mean over pairs, less than `ratio`
    as far apart as two real ones. Each is said once, and again only after it was over.

    Args:
        real: optional real samples (N, ...), as `fit` takes them, N at least 2: uint8, or floats.
            Without them nothing is said about collapse.
        margin: float above 0, in logits, or None to say nothing about the discriminator.
        ratio: float in (0, 1).
        n: int >= 2, samples to compare.
        seed: int of the latents.

    Raises:
        ValueError: if `real` are fewer than two or all equal, or a number is out of range.

    Example:
        ```python
        from tfzoo.callbacks import CollapseWarning
        from tfzoo.data import digits

        watch = CollapseWarning(digits().train.images)
        ```
    """

    def __init__(
        self,
        real=None,
        margin: float | None = 10.0,
        ratio: float = 0.5,
        n: int = 256,
        seed: int = 0,
    ):
        super().__init__()
        if not 0 < ratio < 1 or n < 2 or (margin is not None and margin <= 0):
            raise ValueError(
                "`ratio` must be in (0, 1), `n` 2 or more and `margin` above 0; received "
                f"ratio={ratio}, n={n}, margin={margin}."
            )
        self.margin, self.ratio, self.n, self.seed = margin, ratio, n, seed
        self.real_spread = None if real is None else spread(_some(real, n, seed))
        if self.real_spread == 0:
            raise ValueError("`real` must be at least two samples that are not all equal.")
        self._shape = None if real is None else np.shape(real)[1:]
        _require_range(real)
        self._said = set()

    def on_train_begin(self, logs=None):
        """Forgets the run before; refuses to compare with samples of another shape."""
        self._said = set()
        drawn = getattr(self.model, "data_shape", None)
        if self._shape and drawn not in (None, self._shape, (*self._shape, 1)):
            raise ValueError(
                f"`real` must have the shape that the generator makes, {drawn}; received "
                f"{self._shape}."
            )

    def on_epoch_end(self, epoch, logs=None):
        """Looks at both, and warns."""
        logs = logs or {}
        has_scale = getattr(getattr(self.model, "objective", None), "has_logit_scale", True)
        is_watched = self.margin is not None and has_scale
        if is_watched and {"real_logits", "fake_logits"} <= logs.keys():
            lead = float(logs["real_logits"] - logs["fake_logits"])
            self._say(
                "discriminator",
                lead > self.margin,
                f"The discriminator wins outright in epoch {epoch + 1}: its logits of real and "
                f"generated samples differ by {lead:.1f} in the mean, more than {self.margin:g}. "
                "Give it a regularizer such as R1, a lower learning rate, or less capacity.",
            )
        if self.real_spread is not None:
            share = spread(self.model.generate(self.n, seed=self.seed)) / self.real_spread
            self._say(
                "samples",
                share < self.ratio,
                f"Samples collapse in epoch {epoch + 1}: two of them are {share:.0%} as far apart "
                f"as two real ones, less than {self.ratio:.0%}. Try packing=2, a Relativistic "
                "loss with R1 and R2, or a lower learning rate.",
            )

    def _say(self, what, is_so, sentence):
        if is_so and what not in self._said:
            warnings.warn(sentence, stacklevel=2)
        self._said = self._said | {what} if is_so else self._said - {what}


def spread(samples) -> float:
    """The mean distance between two of the samples (N, ...), over all pairs, per number in them.

    uint8 stands for values in [-1, 1], as everywhere.
    """
    samples = np.asarray(samples)
    is_bytes = samples.dtype == np.uint8
    flat = samples.reshape(len(samples), -1).astype(np.float64) / (127.5 if is_bytes else 1)
    if len(flat) < 2:
        return 0.0
    flat -= flat.mean(axis=0)
    squares = (flat**2).sum(axis=1)
    squared = squares[:, None] + squares - 2 * flat @ flat.T
    above = np.triu_indices(len(flat), k=1)
    return float(np.sqrt(np.maximum(squared[above], 0)).mean() / np.sqrt(flat.shape[1]))


def _require_range(real):
    real = np.asarray(0 if real is None else real)
    if real.ndim >= 3 and real.dtype != np.uint8 and np.abs(real).max(initial=0) > 1.001:
        raise ValueError(
            "`real` must be uint8 images, or floats in [-1, 1], as for `fit`; received values in "
            f"[{real.min():g}, {real.max():g}]."
        )


def _some(real, n, seed):
    real = np.asarray(real)
    rows = np.random.default_rng(seed).permutation(len(real))[:n]
    return real[rows]
