"""Learning rates as shapes over the whole run: warm up, stay or fall, end at a floor.

The length of a run is known to `fit`, after the optimizer was made and often after its step was
compiled. So the length lives in a variable, which `set_total_steps` may fill at any time.
"""

import math

import keras
from keras import ops

UNKNOWN_LENGTH = 0


class RunSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The base of the schedules here: linear warm-up, then a decay that the subclass draws.

    With `N` total steps, `W = warmup_fraction * N` and `f = final_fraction`, step `s` (from 0) gets

        peak * min((s + 1) / W, f + (1 - f) * decay((s - W) / (N - W)))

    The first step is already above zero, and steps after the last one stay at the floor. While the
    length is unknown the rate is `peak`.

    Args:
        peak: Float above 0, the highest learning rate.
        total_steps: Integer of 1 or more, the optimizer steps of the run; or None, to be told by
            each `fit`, or by `set_total_steps`.
        warmup_fraction: Float in [0, 1), the part of the run that warms up.
        final_fraction: Float in [0, 1], the last learning rate as a part of `peak`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        peak: float,
        total_steps: int | None = None,
        warmup_fraction: float = 0.02,
        final_fraction: float = 0.1,
    ):
        _require(peak > 0, "peak", "a learning rate above 0", peak)
        _require(0 <= warmup_fraction < 1, "warmup_fraction", "in [0, 1)", warmup_fraction)
        _require(0 <= final_fraction <= 1, "final_fraction", "in [0, 1]", final_fraction)
        self.peak = float(peak)
        self.warmup_fraction = float(warmup_fraction)
        self.final_fraction = float(final_fraction)
        # 64 bits: a GPU keeps 32-bit integers in host memory, out of reach of an XLA program.
        self._total_steps = keras.Variable(
            UNKNOWN_LENGTH,
            dtype="int64",
            trainable=False,
            aggregation="only_first_replica",
            name="total_steps",
        )
        self._is_given = False
        if total_steps is not None:
            self.set_total_steps(total_steps)

    @property
    def total_steps(self) -> int | None:
        """The optimizer steps of the run, or None while unknown."""
        return int(self._total_steps.numpy()) or None

    def set_total_steps(self, total_steps: int) -> None:
        """Sets the length of the run, in train functions that were already traced too.

        Args:
            total_steps: Integer of 1 or more, counted from the optimizer's first step ever.

        Raises:
            ValueError: If `total_steps` is not a whole number of 1 or more.
        """
        is_count = int(total_steps) == total_steps and total_steps >= 1
        _require(is_count, "total_steps", "a whole number of steps, 1 or more", total_steps)
        self._total_steps.assign(int(total_steps))
        self._is_given = True

    def begin_run(self, steps_done: int, steps_to_come: int | None) -> None:
        """Sets the length of a run that begins or goes on, if nobody has given it.

        `fit` calls it. A second `fit` so makes the run longer, instead of training at the floor
        where the first one ended; and a run that stopped half-way and goes on has its old length.

        Args:
            steps_done: Integer, steps that the optimizer has taken.
            steps_to_come: Integer of 1 or more; or None where nobody knows.
        """
        if not self._is_given:
            known = steps_to_come is not None
            self._total_steps.assign(
                int(steps_done) + int(steps_to_come) if known else UNKNOWN_LENGTH
            )

    def decay(self, progress):
        """The shape after the warm-up.

        Args:
            progress: Scalar tensor in [0, 1], the part of the time after the warm-up that is over.

        Returns:
            Scalar tensor in [0, 1]: 1 is the peak, 0 the floor.
        """
        raise NotImplementedError

    def __call__(self, step):
        """Returns the learning rate of one step.

        Args:
            step: Integer or integer tensor, 0 for the first step.

        Returns:
            Float32 scalar tensor, the learning rate.
        """
        step = ops.cast(step, "float32")
        total = ops.cast(self._total_steps, "float32")
        warmup = self.warmup_fraction * total
        progress = ops.clip((step - warmup) / ops.maximum(total - warmup, 1e-6), 0.0, 1.0)
        falling = self.final_fraction + (1.0 - self.final_fraction) * self.decay(progress)
        rising = (step + 1.0) / ops.maximum(warmup, 1.0)
        is_known = ops.not_equal(total, UNKNOWN_LENGTH)
        return self.peak * ops.where(is_known, ops.minimum(rising, falling), 1.0)

    def get_config(self):
        """Returns the arguments, with the length if it was given and not told by `fit`."""
        return {
            "peak": self.peak,
            "total_steps": self.total_steps if self._is_given else None,
            "warmup_fraction": self.warmup_fraction,
            "final_fraction": self.final_fraction,
        }


@keras.saving.register_keras_serializable(package="tfzoo")
class WarmupCosine(RunSchedule):
    """Linear warm-up, then half a cosine down to the floor.

    Args:
        peak: Float above 0, the highest learning rate.
        total_steps: Integer of 1 or more, the optimizer steps of the run; or None, to be told by
            each `fit`, or by `set_total_steps`.
        warmup_fraction: Float in [0, 1), the part of the run that warms up.
        final_fraction: Float in [0, 1], the last learning rate as a part of `peak`.

    Example:
        >>> schedule = WarmupCosine(1e-3, total_steps=100, warmup_fraction=0.1)
        >>> tuple(round(float(schedule(step)), 6) for step in (0, 9, 55, 100))
        (0.0001, 0.001, 0.00055, 0.0001)

    Source:
        Loshchilov and Hutter, "SGDR", 2017, eq. 5, without restarts; the fractions are those of
        GPT-3 (Brown et al., 2020, appendix B), which ends at a tenth of the peak.
    """

    def decay(self, progress):
        """Returns `(1 + cos(pi * progress)) / 2`."""
        return 0.5 * (1.0 + ops.cos(math.pi * progress))


@keras.saving.register_keras_serializable(package="tfzoo")
class WarmupStableDecay(RunSchedule):
    """Linear warm-up, a plateau at the peak, then a straight line to the floor: a trapezoid.

    The weights on the plateau do not depend on the length of the run, so that one run may be
    continued or cooled down at several lengths. `decay_fraction=1.0` is the plain linear decay.

    Args:
        peak: Float above 0, the highest learning rate.
        total_steps: Integer of 1 or more, the optimizer steps of the run; or None, to be told by
            each `fit`, or by `set_total_steps`.
        warmup_fraction: Float in [0, 1), the part of the run that warms up.
        decay_fraction: Float in (0, 1], the part of the time after the warm-up that decays.
        final_fraction: Float in [0, 1], the last learning rate as a part of `peak`.

    Example:
        >>> schedule = WarmupStableDecay(1e-3, total_steps=100, decay_fraction=0.5)
        >>> tuple(round(float(schedule(step)), 6) for step in (0, 50, 75, 100))
        (0.001, 0.001, 0.0005, 0.0)

    Source:
        Hägele et al., "Scaling laws and compute-optimal training beyond fixed training durations",
        2024; the recipe of the modded-nanogpt speed runs.
    """

    def __init__(
        self,
        peak: float,
        total_steps: int | None = None,
        warmup_fraction: float = 0.0,
        decay_fraction: float = 0.4,
        final_fraction: float = 0.0,
    ):
        super().__init__(peak, total_steps, warmup_fraction, final_fraction)
        _require(0 < decay_fraction <= 1, "decay_fraction", "in (0, 1]", decay_fraction)
        self.decay_fraction = float(decay_fraction)

    def decay(self, progress):
        """Returns 1 on the plateau, then `(1 - progress) / decay_fraction`."""
        return ops.minimum(1.0, (1.0 - progress) / self.decay_fraction)

    def get_config(self):
        """Returns the arguments, with the length if it was given and not told by `fit`."""
        return {**super().get_config(), "decay_fraction": self.decay_fraction}


def _require(is_right, name, expected, received):
    if not is_right:
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={received}.")
