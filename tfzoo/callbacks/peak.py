"""What the machine can compute at most."""

import time

import tensorflow as tf

SECONDS_TO_MEASURE = 0.03  # shorter than that, starting the product is a part of its time
PRODUCTS, REPEATS, LARGEST_SIZE = 2, 4, 16384


def measure_peak(dtype: str) -> float:
    """Measures matrix products of growing size, the best of a few, on the first device.

    Args:
        dtype: string, of the matrices.

    Returns:
        Operations per second; an addition and a multiplication are two.
    """
    size = 512
    while True:
        multiply = _products(size, dtype)
        seconds = min(_seconds(multiply) for _ in range(REPEATS))
        if seconds >= SECONDS_TO_MEASURE or size == LARGEST_SIZE:
            return PRODUCTS * 2 * size**3 / seconds
        size *= 2


def _products(size, dtype):
    matrix = tf.cast(tf.random.stateless_normal([size, size], seed=(0, 0)), dtype)

    @tf.function
    def multiply():
        x = matrix
        for _ in range(PRODUCTS):
            x = tf.matmul(x, matrix)
        return x[0, 0]

    multiply()  # makes the graph, and is not timed
    return multiply


def _seconds(multiply):
    begin = time.perf_counter()
    multiply().numpy()
    return time.perf_counter() - begin
