"""Cross-entropy of a predicted token, with the two regularizers that language models use.

B batch, T target length, V vocabulary.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class TokenLoss:
    """The loss of each token, in nats, not yet averaged.

    `-sum_v q(v) log p(v) + z_loss * log(Z)^2` with `q = (1 - s) onehot(target) + s / V`, s the
    label smoothing and Z the normaliser of the softmax. Averages are taken by the train step, which
    alone knows which tokens count and how many replicas there are.

    Args:
        label_smoothing: float in [0, 1), s.
        z_loss: float >= 0, keeps log(Z) near zero, so that logits do not drift.

    Example:
        ```python
        import tensorflow as tf
        from tfzoo.losses import TokenLoss

        loss = TokenLoss()(targets=tf.constant([[2]]), logits=tf.zeros([1, 1, 4]))
        assert abs(float(loss[0, 0]) - 1.386294) < 1e-5  # ln 4: it knows nothing
        ```

    Source: Szegedy et al. 2016, section 7 (label smoothing); Chowdhery et al. 2022, "PaLM",
    section 5 (z-loss).
    """

    def __init__(self, label_smoothing=0.0, z_loss=0.0):
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"`label_smoothing` must be in [0, 1); received {label_smoothing}.")
        if z_loss < 0:
            raise ValueError(f"`z_loss` must not be negative; received {z_loss}.")
        self.label_smoothing = label_smoothing
        self.z_loss = z_loss

    def __call__(self, targets, logits):
        """Returns the loss of each token.

        Args:
            targets: int (...), in [0, V).
            logits: float (..., V); computed in float32 whatever their dtype.

        Returns:
            float32 (...).
        """
        logits = tf.cast(logits, tf.float32)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        if self.label_smoothing:
            log_normalizer = tf.reduce_logsumexp(logits, axis=-1)
            uniform = log_normalizer - tf.reduce_mean(logits, axis=-1)
            loss += self.label_smoothing * (uniform - loss)
        if self.z_loss:
            loss += self.z_loss * tf.square(tf.reduce_logsumexp(logits, axis=-1))
        return loss

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"label_smoothing": self.label_smoothing, "z_loss": self.z_loss}

    @classmethod
    def from_config(cls, config):
        """Restores the loss."""
        return cls(**config)
