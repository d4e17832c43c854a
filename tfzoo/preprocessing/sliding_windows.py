"""Long token sequences as overlapping windows, and what is computed on windows put together again.

B documents, N their tokens together, W windows of all of them, R tokens of one window.
"""

import dataclasses
from typing import NamedTuple

import keras
import tensorflow as tf


class Windows(NamedTuple):
    """Which tokens each window of a batch of documents sees.

    Args:
        document: int64 (W,), the number of the window's document, ascending.
        first: int64 (W,), the place of the window's first token in its document.
        places: ragged int64 (W, None), the places of its tokens among the N of all documents.
        num_tokens: int64 (B,), the tokens of each document.
    """

    document: tf.Tensor
    first: tf.Tensor
    places: tf.RaggedTensor
    num_tokens: tf.Tensor

    def cut(self, tokens):
        """Gives each window its part.

        Args:
            tokens: ragged (B, None, ...), one entry for each token of each document.

        Returns:
            ragged (W, None, ...).
        """
        return self.places.with_flat_values(tf.gather(tokens.values, self.places.flat_values))

    def average_tokens(self, outputs):
        """One vector for each token: the mean over the windows that see it.

        Args:
            outputs: ragged (W, None, ...), one vector for each token of each window.

        Returns:
            ragged (B, None, ...).
        """
        return tf.RaggedTensor.from_row_lengths(
            tf.math.unsorted_segment_mean(
                outputs.values, self.places.flat_values, tf.reduce_sum(self.num_tokens)
            ),
            self.num_tokens,
        )

    def average_documents(self, outputs):
        """One vector for each document: the mean of its windows, weighted by their lengths.

        Args:
            outputs: float (W, D), one vector for each window.

        Returns:
            float (B, D). A document without tokens has one empty window, whose vector it gets.
        """
        weights = tf.cast(tf.maximum(self.places.row_lengths(), 1), outputs.dtype)[:, None]
        num_documents = tf.size(self.num_tokens)
        sums = tf.math.unsorted_segment_sum(outputs * weights, self.document, num_documents)
        return sums / tf.math.unsorted_segment_sum(weights, self.document, num_documents)


@keras.saving.register_keras_serializable(package="tfzoo")
@dataclasses.dataclass(frozen=True)
class SlidingWindows:
    """How a document that is longer than the network's window is read: in parts that overlap.

    The first window starts at the first token, each further one `stride` tokens behind the one
    before, until the document ends; the last one is moved back towards the first as far as it takes
    to be full. So every token but those at the ends of the text is seen with text on both sides.

    Args:
        window: int, tokens that the network reads at once, special tokens and a question included.
        stride: int, tokens from the start of one window to the start of the next, at least 1. No
            token is left out where it is larger than a window's room: the room is taken then.

    Example:
        >>> tokens = tf.ragged.constant([[1, 2, 3, 4, 5, 6], [7]], tf.int32)
        >>> windows = SlidingWindows(window=4, stride=3).split(tokens.row_lengths())
        >>> windows.cut(tokens).to_list(), windows.document.numpy().tolist()
        ([[1, 2, 3, 4], [3, 4, 5, 6], [7]], [0, 0, 1])

    Source: Devlin et al. 2019, "BERT", the `doc_stride` of its `run_squad.py`; its last window is
    short instead of full.
    """

    window: int = 384
    stride: int = 128

    def __post_init__(self):
        for name in ("window", "stride"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{name}` must be a whole number of at least 1; got {value!r}.")
        if self.stride > self.window:
            raise ValueError(
                "`stride` must be at most `window`, or tokens would be left out; got "
                f"stride={self.stride}, window={self.window}."
            )

    @classmethod
    def of(cls, value):
        """Returns `value` where it is `SlidingWindows` or None; else it is a dict of arguments."""
        value = cls(**value) if isinstance(value, dict) else value
        if value is not None and not isinstance(value, cls):
            raise ValueError(
                "`long_documents` must be `SlidingWindows(window, stride)`, a dict of its "
                f"arguments, or None; received {value!r:.80}."
            )
        return value

    def split(self, num_tokens, num_others=0):
        """Divides documents into windows; works inside a graph.

        Args:
            num_tokens: int64 (B,), the tokens of each document.
            num_others: int or int64 (B,), what else each window of the document has to hold:
                special tokens, a question. At least one place must be left.

        Returns:
            `Windows`, those of one document behind each other. Every document has at least one.
        """
        num_tokens = tf.cast(num_tokens, tf.int64)
        room = self.window - tf.cast(num_others, tf.int64)
        room = tf.broadcast_to(tf.maximum(room, 1), tf.shape(num_tokens))
        step = tf.minimum(tf.cast(self.stride, tf.int64), room)
        overhang = tf.maximum(num_tokens - room, 0)
        counts = 1 + -(-overhang // step)
        document = tf.repeat(tf.range(tf.size(counts, tf.int64)), counts)
        number = tf.ragged.range(counts).flat_values
        first = tf.minimum(number * tf.gather(step, document), tf.gather(overhang, document))
        length = tf.minimum(tf.gather(room, document), tf.gather(num_tokens, document))
        start = tf.gather(tf.cumsum(num_tokens, exclusive=True), document) + first
        return Windows(document, first, tf.ragged.range(start, start + length), num_tokens)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"window": self.window, "stride": self.stride}

    @classmethod
    def from_config(cls, config):
        """Restores the windows."""
        return cls(**config)
