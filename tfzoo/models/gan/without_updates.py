"""A network that takes part in a step and keeps nothing from it."""

import contextlib

import keras


@contextlib.contextmanager
def without_updates(network):
    """Inside, what a network notes about its batches, such as moving statistics, is forgotten.

    The other player's step must leave a network as it is. Only its random streams move on, so that
    the next dropout mask is a new one.
    """
    with keras.StatelessScope() as scope:
        yield
    for variable in network.non_trainable_variables:
        value = scope.get_current_value(variable)
        if value is not None and "int" in variable.dtype:
            variable.assign(value)
