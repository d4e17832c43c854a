"""Gradient accumulation: a batch in several passes, for the memory of one of them."""

import tensorflow as tf


def accumulate_gradients(gradients_of, batch, num_micro_batches: int):
    """Sums `gradients_of` over the micro-batches that a batch is cut into.

    The passes run one after another, so that the activations of one are gone when the next begins.
    `gradients_of` must divide by the weight of the whole batch, not of its part: then the sum is
    the gradient of the batch, whatever the padding.

    Args:
        gradients_of: callable that takes the parts of a batch and returns a list of gradients.
        batch: tuple of (nested) tensors with a common first axis, B.
        num_micro_batches: int >= 1, must divide B. 1 calls `gradients_of` directly.

    Returns:
        The list of summed gradients.
    """
    if num_micro_batches == 1:
        return gradients_of(*batch)
    size = tf.shape(tf.nest.flatten(batch)[0])[0]
    divides = tf.debugging.assert_equal(
        size % num_micro_batches,
        0,
        "`gradient_accumulation` must divide the batch size per replica; received "
        f"gradient_accumulation={num_micro_batches} and a batch of another size.",
    )

    def cut(x):
        # XLA drops assertions; but it refuses a reshape that would lose rows, by this name.
        shape = tf.concat([[num_micro_batches, size // num_micro_batches], tf.shape(x)[1:]], 0)
        return tf.reshape(x, shape, name="gradient_accumulation_must_divide_the_batch_size")

    with tf.control_dependencies([divides] if divides is not None else []):
        parts = tf.nest.map_structure(cut, batch)

    def micro_batch(number):
        return tf.nest.map_structure(lambda x: x[number], parts)

    def add(number, total):
        gradients = gradients_of(*micro_batch(number))
        total = tf.nest.map_structure(lambda a, b: a + tf.convert_to_tensor(b), total, gradients)
        return number + 1, total

    first = [tf.convert_to_tensor(g) for g in gradients_of(*micro_batch(0))]
    _, total = tf.while_loop(
        lambda number, total: number < num_micro_batches,
        add,
        [1, first],
        parallel_iterations=1,
    )
    return total
