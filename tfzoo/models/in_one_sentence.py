"""What a graph found wrong with its input, without the graph around it."""

import contextlib
import re

import tensorflow as tf

# What `tf.debugging.Assert(condition, [sentence, value])` says when it is executed in a graph, and
# what `tf.debugging.assert_equal(x, y, sentence)` says, which adds its own words behind.
ASSERTION = re.compile(r"assertion failed: \[(.*?)\](?: (?!\[Condition)(\[.*?\]))?(?: \[|\n|$)")


@contextlib.contextmanager
def in_one_sentence():
    """Raises a failed assertion of a graph as a ValueError that holds its sentence alone.

    Raises:
        ValueError: in the place of the `InvalidArgumentError` of an assertion; any other error
            passes as it is.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = ASSERTION.search(str(error))
        if found is None:
            raise
        sentence, value = found.groups()
        raise ValueError(f"{sentence} {value}." if value else sentence) from None
