"""Pairs of vectors that belong together, told from all other pairs of the batch.

B pairs of this replica, N pairs of all replicas, D width.
"""

import keras
import tensorflow as tf

EXCLUDED = -1e9


@keras.saving.register_keras_serializable(package="tfzoo")
class ContrastiveLoss:
    """Symmetric InfoNCE: which of all second vectors is the first one's, and the other way round.

    With unit vectors `a_i` and `b_i`, and `s_ij = a_i . b_j / temperature`,

        loss_i = (log sum_j exp(s_ij) + log sum_j exp(s_ji)) / 2 - s_ii

    over all j that may be compared with i: j = i, and every other pair of non-zero weight whose
    texts are both different from those of pair i.

    Args:
        temperature: float > 0, how much a difference of similarities counts.

    Example:
        ```python
        import tensorflow as tf
        from tfzoo.losses import ContrastiveLoss

        vectors = tf.eye(2)
        loss = ContrastiveLoss(temperature=1.0)(vectors, vectors)
        assert abs(float(loss[0]) - 0.313262) < 1e-5  # ln(1 + 1 / e)
        ```

    Source: van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding",
    equation 4; Henderson et al. 2017, "Efficient Natural Language Response Suggestion", section 4,
    for the negatives from the batch; Radford et al. 2021, "CLIP", figure 3, for the symmetry.
    """

    def __init__(self, temperature=0.05):
        if not temperature > 0:
            raise ValueError(f"`temperature` must be above 0; received {temperature}.")
        self.temperature = temperature

    def __call__(self, first, second, text_ids=None, weights=None):
        """Returns the loss of each pair; the negatives are those of all replicas.

        Args:
            first: float (B, D), unit vectors.
            second: float (B, D), unit vectors; row i belongs to row i of `first`.
            text_ids: optional int (B, 2), numbers of the two texts of each pair. Pairs that share
                the first or the second text are not each other's negatives.
            weights: optional float (B,); a pair of weight 0 is nobody's negative.

        Returns:
            float32 (B,).
        """
        ahead, back, origin = self._logits(first, second, text_ids, weights)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits
        return (loss(origin, ahead) + loss(origin, back)) / 2

    def is_nearest(self, first, second, text_ids=None, weights=None):
        """Whether the own second text of each pair is the nearest to the first: float32 (B,)."""
        ahead, _, origin = self._logits(first, second, text_ids, weights)
        return tf.cast(tf.argmax(ahead, axis=1, output_type=tf.int32) == origin, tf.float32)

    def _logits(self, first, second, text_ids, weights):
        """Similarities (B, N) of firsts to seconds and of seconds to firsts; which are the own."""
        first, second = tf.cast(first, tf.float32), tf.cast(second, tf.float32)
        num_pairs = tf.shape(first)[0]
        own, origin = _own_among_all(num_pairs)
        if weights is None:
            weights = tf.ones([num_pairs])
        if text_ids is None:
            text_ids = tf.stack([origin, origin], axis=1)
        text_ids = tf.cast(text_ids, tf.int32)
        all_ids, all_weights = _of_all_replicas(text_ids), _of_all_replicas(weights)
        same = tf.reduce_any(text_ids[:, None] == all_ids[None], axis=2)
        excluded = ~own & (same | (all_weights == 0)[None])

        def logits(vectors, others):
            similarities = tf.matmul(vectors, _of_all_replicas(others), transpose_b=True)
            return tf.where(excluded, EXCLUDED, similarities / self.temperature)

        return logits(first, second), logits(second, first), origin

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"temperature": self.temperature}

    @classmethod
    def from_config(cls, config):
        """Restores the loss."""
        return cls(**config)


def _of_all_replicas(rows):
    """Rows (B, ...) of this replica -> (N, ...) of all; gradients come back to all."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return rows
    return tf.distribute.get_replica_context().all_gather(rows, axis=0)


def _own_among_all(num_rows):
    """Which of all rows each of this replica's is: bool (B, N) and int32 (B,)."""
    context = tf.distribute.get_replica_context()
    replica = context.replica_id_in_sync_group if context else 0
    counts = _of_all_replicas(num_rows[None])
    first = tf.reduce_sum(tf.where(tf.range(tf.size(counts)) < replica, counts, 0))
    origin = first + tf.range(num_rows)
    return origin[:, None] == tf.range(tf.reduce_sum(counts))[None], origin
