"""What the two players of a GAN minimise, as functions of the discriminator's logits.

B batch. A logit is large for samples that look real; `D = sigmoid(logit)`.
"""

import keras
import tensorflow as tf


class AdversarialLoss:
    """The base of the objectives here: a pair of losses, one for each player.

    Both losses are one number per logit, in nats where the objective is a likelihood, and not yet
    averaged: a train step knows how many replicas there are, a loss does not. Both are computed in
    float32 and finite for every finite logit.
    """

    # Whether the generator's loss compares with the logits of real samples.
    needs_real_logits = False
    # Whether a difference of logits says how sure the discriminator is; else it has any unit.
    has_logit_scale = True

    def discriminator_loss(self, real_logits, fake_logits):
        """What the discriminator minimises.

        Args:
            real_logits: float (B,), of real samples.
            fake_logits: float (B,), of generated samples.

        Returns:
            float32 (B,).
        """
        raise NotImplementedError

    def generator_loss(self, real_logits, fake_logits):
        """What the generator minimises.

        Args:
            real_logits: float (B,), or None unless `needs_real_logits`.
            fake_logits: float (B,).

        Returns:
            float32 (B,).
        """
        raise NotImplementedError

    def get_config(self):
        """Returns the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Restores the loss."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="tfzoo")
class NonSaturating(AdversarialLoss):
    """`L_D = -log D(x) - log(1 - D(G(z)))`, `L_G = -log D(G(z))`.

    The generator's gradient does not vanish where the discriminator is sure of its fakes.

    Example:
        ```python
        import tensorflow as tf
        from tfzoo.losses import NonSaturating

        zero = tf.zeros([1])  # D = 1/2: a discriminator that knows nothing
        assert abs(float(NonSaturating().discriminator_loss(zero, zero)[0]) - 1.386294) < 1e-5
        ```

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", section 3, end.
    """

    def discriminator_loss(self, real_logits, fake_logits):
        """Returns `-log D(x) - log(1 - D(G(z)))`."""
        return tf.nn.softplus(-_wide(real_logits)) + tf.nn.softplus(_wide(fake_logits))

    def generator_loss(self, real_logits, fake_logits):
        """Returns `-log D(G(z))`."""
        return tf.nn.softplus(-_wide(fake_logits))


@keras.saving.register_keras_serializable(package="tfzoo")
class MinMax(AdversarialLoss):
    """`L_D` as in `NonSaturating`, `L_G = log(1 - D(G(z)))`: one game, played for both signs.

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1.
    """

    def discriminator_loss(self, real_logits, fake_logits):
        """Returns `-log D(x) - log(1 - D(G(z)))`."""
        return tf.nn.softplus(-_wide(real_logits)) + tf.nn.softplus(_wide(fake_logits))

    def generator_loss(self, real_logits, fake_logits):
        """Returns `log(1 - D(G(z)))`."""
        return -tf.nn.softplus(_wide(fake_logits))


@keras.saving.register_keras_serializable(package="tfzoo")
class LeastSquares(AdversarialLoss):
    """With logits `d`: `L_D = ((d(x) - 1)^2 + d(G(z))^2) / 2`, `L_G = (d(G(z)) - 1)^2 / 2`.

    Source: Mao et al. 2017, "Least Squares Generative Adversarial Networks", equation 9.
    """

    def discriminator_loss(self, real_logits, fake_logits):
        """Returns `((d(x) - 1)^2 + d(G(z))^2) / 2`."""
        return (tf.square(_wide(real_logits) - 1) + tf.square(_wide(fake_logits))) / 2

    def generator_loss(self, real_logits, fake_logits):
        """Returns `(d(G(z)) - 1)^2 / 2`."""
        return tf.square(_wide(fake_logits) - 1) / 2


@keras.saving.register_keras_serializable(package="tfzoo")
class Hinge(AdversarialLoss):
    """With logits `d`: `L_D = max(0, 1 - d(x)) + max(0, 1 + d(G(z)))`, `L_G = -d(G(z))`.

    Source: Lim & Ye 2017, "Geometric GAN", section 3; Miyato et al. 2018, equations 16 and 17.
    """

    def discriminator_loss(self, real_logits, fake_logits):
        """Returns `max(0, 1 - d(x)) + max(0, 1 + d(G(z)))`."""
        return tf.nn.relu(1 - _wide(real_logits)) + tf.nn.relu(1 + _wide(fake_logits))

    def generator_loss(self, real_logits, fake_logits):
        """Returns `-d(G(z))`."""
        return -_wide(fake_logits)


@keras.saving.register_keras_serializable(package="tfzoo")
class Wasserstein(AdversarialLoss):
    """With logits `d`: `L_D = d(G(z)) - d(x)`, `L_G = -d(G(z))`.

    A distance only for a discriminator with bounded slopes: train with `GradientPenalty`.

    Source: Arjovsky et al. 2017, "Wasserstein GAN", equation 2.
    """

    has_logit_scale = False

    def discriminator_loss(self, real_logits, fake_logits):
        """Returns `d(G(z)) - d(x)`."""
        return _wide(fake_logits) - _wide(real_logits)

    def generator_loss(self, real_logits, fake_logits):
        """Returns `-d(G(z))`."""
        return -_wide(fake_logits)


@keras.saving.register_keras_serializable(package="tfzoo")
class Relativistic(AdversarialLoss):
    """With logits `d`, in pairs: `L_D = -log sigmoid(d(x) - d(G(z)))`, `L_G` with the other sign.

    A fake is judged beside a real sample, never alone, so that no constant fools the discriminator
    and dropping a mode of the data does not pay. Train with `R1` and `R2`.

    Source: Jolicoeur-Martineau 2018, "The relativistic discriminator", section 4.2; Huang et al.
    2024, "The GAN is dead; long live the GAN!" (R3GAN), section 2.1.
    """

    needs_real_logits = True

    def discriminator_loss(self, real_logits, fake_logits):
        """Returns `-log sigmoid(d(x) - d(G(z)))`."""
        return tf.nn.softplus(_wide(fake_logits) - _wide(real_logits))

    def generator_loss(self, real_logits, fake_logits):
        """Returns `-log sigmoid(d(G(z)) - d(x))`."""
        return tf.nn.softplus(_wide(real_logits) - _wide(fake_logits))


def _wide(logits):
    return tf.cast(logits, tf.float32)
