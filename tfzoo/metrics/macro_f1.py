"""Macro-averaged F1: how well each class is found, whether it is frequent or rare."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfzoo")
class MacroF1(keras.metrics.Metric):
    """The mean over classes of `2 TP / (2 TP + FP + FN)`, from counts over all batches.

    A class that is neither in the truth nor predicted does not count. The mean of the F1 of each
    batch, or of each replica, would be another number.

    Args:
        num_classes: int, C.
        name: string.
        **kwargs: passed to `keras.metrics.Metric`.

    Example:
        >>> metric = MacroF1(num_classes=3)
        >>> metric.update_state([0, 0, 1], [0, 1, 1])
        >>> round(float(metric.result()), 4)
        0.6667

    Source: Pedregosa et al. 2011, scikit-learn, `f1_score(average="macro")`.
    """

    def __init__(self, num_classes, name="macro_f1", **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes

        def counts(kind):
            return self.add_variable((num_classes,), initializer="zeros", name=kind)

        self.right = counts("right")
        self.predicted = counts("predicted")
        self.actual = counts("actual")

    def update_state(self, targets, predictions, sample_weight=None):
        """Adds examples.

        Args:
            targets: int (B,), the class of each example; or bool (B, C), whether it has each label.
            predictions: like `targets`.
            sample_weight: optional float (B,).
        """
        targets, predictions = self._flags(targets), self._flags(predictions)
        weights = ops.ones(ops.shape(targets)[:1]) if sample_weight is None else sample_weight
        weights = ops.cast(weights, self.dtype)[:, None]
        self.right.assign_add(ops.sum(weights * targets * predictions, axis=0))
        self.predicted.assign_add(ops.sum(weights * predictions, axis=0))
        self.actual.assign_add(ops.sum(weights * targets, axis=0))

    def result(self):
        """Returns the score so far, in [0, 1]; 0 when nothing was seen."""
        scores = ops.divide_no_nan(2 * self.right, self.predicted + self.actual)
        occurs = ops.cast(self.predicted + self.actual > 0, self.dtype)
        return ops.divide_no_nan(ops.sum(scores), ops.sum(occurs))

    def _flags(self, classes):
        classes = ops.convert_to_tensor(classes)
        if len(classes.shape) == 1:
            return ops.one_hot(ops.cast(classes, "int32"), self.num_classes, dtype=self.dtype)
        return ops.cast(classes, self.dtype)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "num_classes": self.num_classes}
