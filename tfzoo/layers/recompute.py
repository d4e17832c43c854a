"""Memory for time: a layer forgets what it made, and makes it again for its gradient."""

import keras
import tensorflow as tf


def recompute(layer, x, *constants, **arguments):
    """Calls a layer so that only `x` is kept for the gradient, not what the layer makes of it.

    The second time everything is as it was the first time: the same dropout, and nothing that the
    layer counts is counted twice. `tf.recompute_grad` alone would draw new noise, and so return the
    gradient of another function.

    Args:
        layer: a built Keras layer.
        x: float tensor, its first argument.
        *constants: further arguments; no gradient flows into them.
        **arguments: likewise.

    Returns:
        What the layer returns: a tensor, or a tuple of tensors.

    Source: Chen et al. 2016, "Training deep nets with sublinear memory cost", section 3.
    """
    states = layer.non_trainable_variables
    before = [tf.convert_to_tensor(state) for state in states]
    after = []

    def call(x):
        with keras.StatelessScope(zip(states, before, strict=True)) as scope:
            outputs = layer(x, *constants, **arguments)
        after[:] = [scope.get_current_value(state) for state in states]
        return outputs

    outputs = tf.recompute_grad(call)(x)
    for state, old, new in zip(states, before, after, strict=True):
        if new is not old:
            state.assign(new)
    return outputs
