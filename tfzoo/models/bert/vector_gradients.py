"""Gradients of an objective that couples all examples of a batch, in the memory of a few of them.

B examples, D width.
"""

import tensorflow as tf

from tfzoo.models.in_batches import in_batches
from tfzoo.optimizers import accumulate_gradients


def vector_gradients(vectors_of, losses_of, x, variables, num_micro_batches, noise=()):
    """Gradients of `sum(losses_of(vectors_of(x)))`.

    With several micro-batches the vectors of all are computed first, without what a gradient needs;
    then the gradient of the loss with respect to the vectors; then each micro-batch once more, for
    its own part. That is the same number, for a second forward pass.

    Args:
        vectors_of: callable, inputs to a structure of vectors float32 (B, D).
        losses_of: callable, these vectors to float32 (B,).
        x: nested tensors with a first axis B.
        variables: what to derive by.
        num_micro_batches: int >= 1, must divide B.
        noise: the states of all random streams of `vectors_of`, which both passes start from.

    Returns:
        List of gradients.

    Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited
    Setup", section 3.
    """
    if num_micro_batches == 1:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(losses_of(vectors_of(x)))
        return tape.gradient(total, variables)

    states = [tf.identity(state) for state in noise]
    size = tf.shape(tf.nest.flatten(x)[0], tf.int64)[0] // num_micro_batches
    vectors = in_batches(
        lambda first, limit: vectors_of(tf.nest.map_structure(lambda t: t[first:limit], x)),
        size * num_micro_batches,
        size,
    )
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        total = tf.reduce_sum(losses_of(vectors))
    upstream = tape.gradient(total, vectors)
    for state, start in zip(noise, states, strict=True):
        state.assign(start)

    def gradients_of(x, upstream):
        with tf.GradientTape() as tape:
            vectors = vectors_of(x)
        return tape.gradient(vectors, variables, output_gradients=upstream)

    return accumulate_gradients(gradients_of, (x, upstream), num_micro_batches)
