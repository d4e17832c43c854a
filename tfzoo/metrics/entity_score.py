"""Precision, recall and F1 of whole entities, as CoNLL counts them.

B sentences, W words. Tags are ids: 0 is `O`, `2 n + 1` is `B-` and `2 n + 2` is `I-` of entity
name n; see `tfzoo.metrics.entity_borders`.
"""

import keras
import tensorflow as tf

_QUANTITIES = ("precision", "recall", "f1")


def entity_borders(tags):
    """Finds where entities begin and end.

    An entity begins at a `B-`, and at an `I-` that follows no word of the same name; it ends in
    front of what does not continue it.

    Args:
        tags: int (B, W), 0 for `O` and for padding, `2 n + 1` for `B-` and `2 n + 2` for `I-` of
            name n.

    Returns:
        `(names, begins, ends)`, each (B, W): int32 n, or -1 outside of entities; and bool, True at
        the first and at the last word of each entity.

    Source: Tjong Kim Sang and Buchholz 2000, `conlleval`.
    """
    tags = tf.cast(tags, tf.int32)
    names = (tags + 1) // 2 - 1
    is_inside = (tags > 0) & (tags % 2 == 0)
    before = tf.pad(names, [[0, 0], [1, 0]], constant_values=-1)[:, :-1]
    continues = is_inside & (names == before)
    goes_on = tf.pad(continues, [[0, 0], [0, 1]])[:, 1:]
    return names, (names >= 0) & ~continues, (names >= 0) & ~goes_on


@keras.saving.register_keras_serializable(package="tfzoo")
class EntityScore(keras.metrics.Metric):
    """The share of entities with the right words and the right name, over all batches.

    With n right entities, precision is n over the predicted ones, recall is n over those that are
    there, and F1 is their harmonic mean (micro average over the names).

    Args:
        quantity: "precision", "recall" or "f1".
        name: string; by default `entity_` and the quantity.
        **kwargs: passed to `keras.metrics.Metric`.

    Example:
        >>> metric = EntityScore("f1")
        >>> metric.update_state([[1, 2, 0, 1]], [[1, 2, 0, 0]])
        >>> round(float(metric.result()), 4)
        0.6667

    Source: Tjong Kim Sang and De Meulder 2003, section 2.3; equal to `seqeval`'s default mode.
    """

    def __init__(self, quantity="f1", name=None, **kwargs):
        super().__init__(name=name or f"entity_{quantity}", **kwargs)
        if quantity not in _QUANTITIES:
            raise ValueError(
                f"`quantity` must be one of {', '.join(_QUANTITIES)}; received {quantity!r}."
            )
        self.quantity = quantity
        self.right = self.add_variable((), initializer="zeros", name="right")
        self.predicted = self.add_variable((), initializer="zeros", name="predicted")
        self.actual = self.add_variable((), initializer="zeros", name="actual")

    def update_state(self, targets, predictions, sample_weight=None):
        """Adds sentences.

        Args:
            targets: int (B, W), tags; 0 for padding.
            predictions: int (B, W), tags; 0 for padding.
            sample_weight: must be None: an entity is right or wrong.
        """
        if sample_weight is not None:
            raise ValueError("`sample_weight` must be None: entities count alike.")
        names, begins, ends = entity_borders(targets)
        found = entity_borders(predictions)
        differs = (names != found[0]) | (begins != found[1]) | (ends != found[2])
        # Number the entities that are there, and ask each whether any of its words differs.
        flat_begins = tf.reshape(begins, [-1])
        number = tf.cumsum(tf.cast(flat_begins, tf.int32)) - 1
        is_wrong = tf.reshape(differs & (names >= 0), [-1])
        num_actual = tf.math.count_nonzero(flat_begins, dtype=tf.int32)
        wrong = tf.math.unsorted_segment_max(tf.cast(is_wrong, tf.int32), number, num_actual)
        num_right = num_actual - tf.reduce_sum(wrong)
        self.right.assign_add(tf.cast(num_right, self.dtype))
        self.actual.assign_add(tf.cast(num_actual, self.dtype))
        self.predicted.assign_add(tf.math.count_nonzero(found[1], dtype=self.dtype))

    def result(self):
        """Returns the score so far, in [0, 1]; 0 when there is nothing to divide by."""
        total = {
            "precision": self.predicted.value,
            "recall": self.actual.value,
            "f1": (self.predicted.value + self.actual.value) / 2,
        }
        return tf.math.divide_no_nan(self.right.value, total[self.quantity])

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "quantity": self.quantity}
