"""What keeps a discriminator smooth: penalties that are added to its loss.

B batch, P pairs that the discriminator judges; P is B, or B over the number of packed samples.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Critique:
    """What one step of the discriminator knows, for regularizers to read.

    Args:
        critic: callable from samples (B, ...) to logits float32 (P,), with the labels and the
            augmentation of this step.
        real: float32 (B, ...), real samples.
        fake: float32 (B, ...), generated samples.
        real_logits: float32 (P,).
        fake_logits: float32 (P,).
        real_slopes: float32 (B, ...), derivatives of the real logits by the real samples, or None
            when no regularizer asked for them.
        fake_slopes: the same for the generated samples.
        noise: float32 (B, num_random) of the regularizer that reads it, uniform in [0, 1).
        step: int, updates that the discriminator has had.
    """

    critic: Callable[[Any], Any]
    real: Any
    fake: Any
    real_logits: Any
    fake_logits: Any
    real_slopes: Any = None
    fake_slopes: Any = None
    noise: Any = None
    step: Any = 0


class AdversarialRegularizer:
    """The base of the regularizers here: a strength, and a penalty for each logit.

    Args:
        strength: float >= 0, or a `keras.optimizers.schedules.LearningRateSchedule` over the steps
            of the discriminator, such as `tfzoo.optimizers.WarmupCosine(1.0, warmup_fraction=0.0,
            final_fraction=0.01)`, which falls from 1 to 0.01 over the run.
    """

    # Which of "real" and "fake" samples `real_slopes` and `fake_slopes` are needed for.
    slopes_at = ()
    # Uniform random numbers that the penalty takes for each sample.
    num_random = 0

    def __init__(self, strength):
        if not callable(strength) and not strength >= 0:
            raise ValueError(f"`strength` must be 0 or more, or a schedule; received {strength}.")
        self.strength = strength

    def __call__(self, critique):
        """Returns strength times penalty.

        Args:
            critique: a `Critique`.

        Returns:
            float32 (P,).
        """
        is_schedule = callable(self.strength)
        strength = self.strength(critique.step) if is_schedule else self.strength
        return strength * self.penalty(critique)

    def penalty(self, critique):
        """Returns the penalty of each logit, float32 (P,), for a strength of 1."""
        raise NotImplementedError

    def get_config(self):
        """Returns the constructor's arguments."""
        strength = self.strength
        if callable(strength):
            strength = keras.saving.serialize_keras_object(strength)
        return {"strength": strength}

    @classmethod
    def from_config(cls, config):
        """Restores the regularizer."""
        return cls(**{k: keras.saving.deserialize_keras_object(v) for k, v in config.items()})


@keras.saving.register_keras_serializable(package="tfzoo")
class R1(AdversarialRegularizer):
    """`strength / 2 * ||grad d(x)||^2` at real samples.

    Args:
        strength: float >= 0 or a schedule, gamma in the papers.

    Source: Mescheder et al. 2018, "Which training methods for GANs do actually converge?",
    equation 9.
    """

    slopes_at = ("real",)

    def __init__(self, strength=10.0):
        super().__init__(strength)

    def penalty(self, critique):
        """Returns half the squared slope at each real sample."""
        return _square_norms(critique.real_slopes, critique.real_logits) / 2


@keras.saving.register_keras_serializable(package="tfzoo")
class R2(AdversarialRegularizer):
    """`strength / 2 * ||grad d(G(z))||^2` at generated samples.

    Args:
        strength: float >= 0 or a schedule, gamma in the papers.

    Source: Mescheder et al. 2018, equation 10; R3GAN needs it beside R1 (Huang et al. 2024,
    section 2.2).
    """

    slopes_at = ("fake",)

    def __init__(self, strength=10.0):
        super().__init__(strength)

    def penalty(self, critique):
        """Returns half the squared slope at each generated sample."""
        return _square_norms(critique.fake_slopes, critique.fake_logits) / 2


@keras.saving.register_keras_serializable(package="tfzoo")
class GradientPenalty(AdversarialRegularizer):
    """`strength * (||grad d(x')|| - target)^2` at `x' = e x + (1 - e) G(z)`, e uniform in [0, 1).

    Args:
        strength: float >= 0 or a schedule, lambda in the paper.
        target: float >= 0, the slope to have.

    Source: Gulrajani et al. 2017, "Improved training of Wasserstein GANs", algorithm 1.
    """

    num_random = 1

    def __init__(self, strength=10.0, target=1.0):
        super().__init__(strength)
        self.target = target

    def penalty(self, critique):
        """Returns the squared distance of each slope from the target."""
        real, fake = critique.real, critique.fake
        # Samples that are judged together are mixed alike.
        packing = tf.shape(real)[0] // tf.shape(critique.real_logits)[0]
        share = tf.repeat(critique.noise[::packing, 0], packing)
        share = tf.reshape(share, [-1] + [1] * (len(real.shape) - 1))
        mixed = share * real + (1 - share) * fake
        with tf.GradientTape() as tape:
            tape.watch(mixed)
            logits = critique.critic(mixed)
            total = tf.reduce_sum(logits)
        squares = _square_norms(tape.gradient(total, mixed), logits)
        # The root has no derivative at 0, where a new discriminator may well be.
        return tf.square(tf.sqrt(tf.maximum(squares, 1e-12)) - self.target)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "target": self.target}


@keras.saving.register_keras_serializable(package="tfzoo")
class Consistency(AdversarialRegularizer):
    """`strength * (d(x) - d(T(x)))^2`: what does not change what an image is changes no logit.

    Args:
        transform: the augmentation T, such as `tfzoo.preprocessing.DiffAugment("translation")`: a
            callable of images (B, H, W, C) and noise (B, num_random), uniform in [0, 1), that
            knows its `num_random`.
        strength: float >= 0 or a schedule.
        on_fakes: bool, whether generated samples count as well, as in balanced consistency.

    Source: Zhang et al. 2020, "Consistency regularization for GANs", equation 3; Zhao et al. 2021,
    "Improved consistency regularization for GANs", section 2.1.
    """

    def __init__(self, transform, strength=10.0, on_fakes=False):
        super().__init__(strength)
        self.transform = transform
        self.on_fakes = on_fakes
        self.num_random = transform.num_random

    def penalty(self, critique):
        """Returns the squared change of each logit."""
        changed = critique.critic(self.transform(critique.real, critique.noise))
        penalty = tf.square(critique.real_logits - changed)
        if self.on_fakes:
            changed = critique.critic(self.transform(critique.fake, critique.noise))
            penalty += tf.square(critique.fake_logits - changed)
        return penalty

    def get_config(self):
        """Returns the constructor's arguments."""
        transform = keras.saving.serialize_keras_object(self.transform)
        return {**super().get_config(), "transform": transform, "on_fakes": self.on_fakes}


def _square_norms(slopes, logits):
    """Squared lengths of the slopes of each logit: float32 (P,)."""
    flat = tf.reshape(tf.cast(slopes, tf.float32), [tf.shape(logits)[0], -1])
    return tf.reduce_sum(tf.square(flat), axis=1)
