"""One gradient and one norm for all replicas, clipped before the optimizer sees them."""

import keras
import tensorflow as tf


def aggregate_and_clip(gradients, max_norm: float | None = None, optimizer=None):
    """Sums gradients over the replicas and clips the sum by its global norm.

    Keras's `global_clipnorm` clips each replica's gradient before the sum, so that training on two
    devices differs from training on one. Call this between the tape and the optimizer, without
    `clipnorm` and its kin in the optimizer:

        gradients = tape.gradient(loss, variables)
        gradients, norm = aggregate_and_clip(gradients, max_norm=1.0, optimizer=self.optimizer)
        self.optimizer.apply(gradients, variables)

    On one replica nothing is communicated. On `R` replicas the result is divided by `R`, because
    the optimizer sums it once more.

    A norm that is not finite sets all gradients to zero: one bad batch costs one step, not the run,
    and the log shows it. Only a `LossScaleOptimizer` gets them as they are, because it must see an
    overflow to skip the step and lower its scale.

    Args:
        gradients: List of float tensors, `tf.IndexedSlices` or None (kept as None). Slices come
            back dense: the rows of a repeated token must be added before they are squared, in the
            norm as in Adam, and Keras's optimizers do not add them.
        max_norm: Float above 0, the longest norm let through; or None, to aggregate and measure.
        optimizer: The optimizer that takes the gradients. Needed under float16, where its loss
            scale is taken out of the norm.

    Returns:
        `(gradients, norm)`: the list to apply, and the float32 scalar norm of the sum over replicas
        before clipping, without loss scale.

    Raises:
        ValueError: If `max_norm` is not above 0, or if several replicas exist and the call is
            outside of `strategy.run`.

    Example:
        >>> gradients, norm = aggregate_and_clip([tf.constant([3.0, 4.0])], max_norm=1.0)
        >>> [round(float(value), 2) for value in gradients[0]], float(norm)
        ([0.6, 0.8], 5.0)

    Source:
        Pascanu et al., "On the difficulty of training recurrent neural networks", 2013, alg. 1.
    """
    if max_norm is not None and not max_norm > 0:
        raise ValueError(
            f"`max_norm` must be above 0, or None for no clipping. Received: max_norm={max_norm}."
        )
    gradients = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
    present = _sum_over_replicas([g for g in gradients if g is not None])
    loss_scale = 1.0 if optimizer is None else optimizer.scale_loss(1.0)
    norm = tf.linalg.global_norm([tf.cast(g, tf.float32) for g in present]) / loss_scale
    factor = 1.0 if max_norm is None else max_norm / tf.maximum(norm, max_norm)
    factor /= tf.distribute.get_strategy().num_replicas_in_sync
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        scaled = iter([g * tf.cast(factor, g.dtype) for g in present])
    else:
        factor = tf.where(tf.math.is_finite(norm), factor, 0.0)
        scaled = iter([tf.math.multiply_no_nan(g, tf.cast(factor, g.dtype)) for g in present])
    return [None if g is None else next(scaled) for g in gradients], norm


def _sum_over_replicas(gradients):
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return gradients
    replica = tf.distribute.get_replica_context()
    if replica is None:
        raise ValueError(
            "`aggregate_and_clip` sums over replicas and must run on each of them. Received: a "
            "call outside of `strategy.run`. Call it in `train_step`."
        )
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
