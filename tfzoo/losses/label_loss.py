"""Cross-entropy of labels that do not exclude each other.

B examples, C labels.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class LabelLoss:
    """The loss of each label of each example, in nats, not yet averaged.

    `-q log p - (1 - q) log(1 - p)` with `p = sigmoid(logit)` and `q = (1 - s) target + s / 2`, s
    the label smoothing.

    Args:
        label_smoothing: float in [0, 1), s.

    Example:
        ```python
        import tensorflow as tf
        from tfzoo.losses import LabelLoss

        loss = LabelLoss()(targets=tf.constant([[True, False]]), logits=tf.zeros([1, 2]))
        assert abs(float(loss[0, 1]) - 0.693147) < 1e-5  # ln 2: it knows nothing
        ```

    Source: Bishop 2006, "Pattern Recognition and Machine Learning", equation 4.90.
    """

    def __init__(self, label_smoothing=0.0):
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"`label_smoothing` must be in [0, 1); received {label_smoothing}.")
        self.label_smoothing = label_smoothing

    def __call__(self, targets, logits):
        """Returns the loss of each label.

        Args:
            targets: bool, int or float (B, C), 1 where an example has a label.
            logits: float (B, C); computed in float32 whatever their dtype.

        Returns:
            float32 (B, C).
        """
        targets = tf.cast(targets, tf.float32)
        targets += self.label_smoothing * (0.5 - targets)
        return tf.nn.sigmoid_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"label_smoothing": self.label_smoothing}

    @classmethod
    def from_config(cls, config):
        """Restores the loss."""
        return cls(**config)
