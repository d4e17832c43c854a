"""What a client is told when there is no answer: a status and one sentence."""

import re

import grpc
import tensorflow as tf

# How gRPC calls what HTTP numbers.
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
# What TensorFlow raises when it is the input that does not suit the graph.
INPUT_ERRORS = (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError)


class Refusal(Exception):
    """There is no answer.

    Args:
        status: of HTTP; `CODES` has that of gRPC.
        sentence: what was expected, what was received, what to do.
    """

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence

    @property
    def code(self):
        """The status of gRPC."""
        return CODES[self.status]

    @property
    def headers(self):
        """Of the HTTP response."""
        if self.status == 401:
            return {"WWW-Authenticate": "Bearer"}
        return {"Retry-After": "1"} if self.status in (429, 503) else {}


def explain(error: Exception) -> Refusal:
    """What is said to the client of an error that a graph raised."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, INPUT_ERRORS):
        return Refusal(400, f"The model refuses this input: {first_sentence(error.message)}")
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return Refusal(503, "The memory does not suffice now: send fewer rows, or try again later.")
    return Refusal(500, f"The model failed ({type(error).__name__}); the server's log says more.")


def first_sentence(message):
    """Of TensorFlow's message, what an assertion was given to say, or the first line."""
    said = re.search(r"assertion failed: \[(.*?)\](?: \[(.*?)\])?", message, re.DOTALL)
    if said:
        # What does not end yet ends with the value that was received.
        return said[1] if said[1].endswith(".") or not said[2] else f"{said[1]} {said[2]}."
    # What stands before the node is said of it; the rest tells of stacks, nodes and functions.
    of_node = re.search(r"([^\n]+?)\s*\[\[\{\{", message)
    return of_node[1] if of_node else re.split(r"\n|\s*\[\[|\s*\[Op:", message.strip())[0]
