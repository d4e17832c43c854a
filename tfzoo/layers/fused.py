"""Pointwise functions in one pass over memory."""

import functools

import tensorflow as tf


@functools.cache
def fused(function):
    """`function`, compiled, and with a derivative that keeps nothing but the input.

    TensorFlow runs a formula such as exact GELU as several operations, and training keeps the
    result of each. Here XLA makes one loop of the formula and one of its derivative, which
    computes again what it needs: at the width of a feed-forward network both are bound by memory.

    For training only. In inference TensorFlow does better still with the plain function, which it
    computes together with the matrix product before it, and an exported graph stays free of XLA.

    Args:
        function: maps one float tensor to one of the same shape, each entry for itself, without
            variables or randomness.

    Returns:
        A function with the same values and derivatives; the same one for the same `function`, so
        that a shape is compiled once in a process.
    """
    compiled = functools.partial(tf.function, jit_compile=True, reduce_retracing=True)
    forward = compiled(function)

    @compiled
    def backward(x, upstream):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = function(x)
        return tape.gradient(outputs, x, upstream)

    @tf.custom_gradient
    def apply(x):
        return forward(x), functools.partial(backward, x)

    return apply
