"""Documents longer than the network's window, for every task: rows of their windows.

B documents, W windows of all of them, T length of a row, C width of what is computed.
"""

import copy
from typing import Any, NamedTuple

import tensorflow as tf

from tfzoo.models.arguments import require_room
from tfzoo.models.in_batches import in_batches
from tfzoo.preprocessing import SlidingWindows, Windows

NUM_SPECIAL_TOKENS = 2  # [CLS] in front of a window, [SEP] behind it
# Windows that are in the network at once, however long the documents are.
WINDOWS_PER_BATCH = 32
# More tokens than any document has.
UNLIMITED = 2**30


class WindowRows(NamedTuple):
    """`[CLS] window [SEP]` for each window.

    Args:
        x: dict of ragged (W, None), what a `BertBackbone` takes once it is dense.
        windows: the `Windows`, of the tokens between the special ones.
    """

    x: dict
    windows: Windows

    @property
    def num_rows(self):
        """W."""
        return self.x["token_ids"].nrows()

    def inputs(self, first=0, limit=None):
        """Dense rows `first` to `limit`, padded to the longest of them."""
        return {name: rows[first:limit].to_tensor() for name, rows in self.x.items()}


def checked_windows(long_documents: Any, backbone: Any) -> SlidingWindows | None:
    """The windows, from a dict of their arguments too, if the backbone can read them at once."""
    windows = SlidingWindows.of(long_documents)
    if windows is not None:
        require_room(backbone, windows.window, "The window of `long_documents`")
    return windows


def refuse_pairs(texts: tf.Tensor) -> None:
    """Raises a `ValueError` where texts are pairs (B, 2)."""
    if texts.shape.rank == 2:
        raise ValueError(
            "`x` must be single texts where there are `long_documents`; received pairs of texts."
        )


def uncut(preprocessor: Any) -> Any:
    """A twin of a preprocessor that cuts nothing off, whatever its `sequence_length`."""
    twin = copy.copy(preprocessor)
    if twin is not None:
        twin.sequence_length = UNLIMITED
    return twin


def window_rows(token_ids: tf.RaggedTensor, sliding: SlidingWindows) -> WindowRows:
    """Divides rows `[CLS] document [SEP]`, ragged (B, None), into those of windows."""
    tokens = token_ids[:, 1:-1]
    windows = sliding.split(tokens.row_lengths(), NUM_SPECIAL_TOKENS)
    front, back = (
        tf.gather(side, windows.document) for side in (token_ids[:, :1], token_ids[:, -1:])
    )
    token_ids = tf.concat([front, windows.cut(tokens), back], axis=1)
    x = {
        "token_ids": token_ids,
        "segment_ids": tf.zeros_like(token_ids),
        "padding_mask": tf.ones_like(token_ids, tf.bool),
    }
    return WindowRows(x, windows)


def document_outputs(function, inputs: dict, sliding: SlidingWindows) -> tf.Tensor:
    """One output for each document: the mean over its windows, weighted by their lengths.

    Args:
        function: callable, inputs of windows to float (W, C).
        inputs: dict of dense `token_ids` and `padding_mask` (B, T), of whole documents.
        sliding: `SlidingWindows`.

    Returns:
        float32 (B, C).
    """
    rows = window_rows(_ragged(inputs), sliding)
    outputs = in_batches(
        lambda first, limit: tf.cast(function(rows.inputs(first, limit)), tf.float32),
        rows.num_rows,
        WINDOWS_PER_BATCH,
    )
    return rows.windows.average_documents(outputs)


def token_outputs(function, inputs: dict, sliding: SlidingWindows) -> tf.Tensor:
    """One output for each token: the mean over the windows that see it.

    Args:
        function: callable, inputs of windows to float (W, T, C).
        inputs: dict of dense `token_ids` and `padding_mask` (B, T), of whole documents.
        sliding: `SlidingWindows`.

    Returns:
        float32 (B, T, C), 0 for special tokens and padding.
    """
    rows = window_rows(_ragged(inputs), sliding)
    lengths = rows.windows.places.row_lengths()

    def of_their_tokens(first, limit):
        outputs = tf.cast(function(rows.inputs(first, limit)), tf.float32)[:, 1:]
        return tf.RaggedTensor.from_tensor(outputs, lengths[first:limit]).values

    outputs = in_batches(of_their_tokens, rows.num_rows, WINDOWS_PER_BATCH)
    outputs = rows.windows.average_tokens(rows.windows.places.with_flat_values(outputs))
    outputs = outputs.to_tensor()
    missing = tf.shape(inputs["token_ids"])[1] - 1 - tf.shape(outputs)[1]
    return tf.pad(outputs, [[0, 0], [1, missing], [0, 0]])


def text_training_rows(x: dict, targets: Any, sliding: SlidingWindows) -> tuple:
    """Rows of windows that are trained on as texts of their own; each document counts once.

    Args:
        x: dict of ragged `token_ids` (B, None), of whole documents.
        targets: (B, ...).
        sliding: `SlidingWindows`.

    Returns:
        `(x, targets, weights)`: ragged (W, None), (W, ...), and float32 (W,), which sums to 1 over
        the windows of a document.
    """
    rows = window_rows(x["token_ids"], sliding)
    document = rows.windows.document
    counts = tf.math.bincount(tf.cast(document, tf.int32))
    weights = tf.gather(1 / tf.cast(counts, tf.float32), document)
    return rows.x, tf.gather(targets, document), weights


def token_training_rows(
    x: dict, targets: tf.RaggedTensor, weights: tf.RaggedTensor, sliding: SlidingWindows
) -> tuple:
    """Rows of windows with the targets of their tokens; each token counts once.

    Args:
        x: dict of ragged `token_ids` (B, None), of whole documents.
        targets: ragged (B, None), as many.
        weights: ragged float32 (B, None), as many.
        sliding: `SlidingWindows`.

    Returns:
        `(x, targets, weights)`, all ragged (W, None); the weight of a token is divided among the
        windows that see it.
    """
    rows = window_rows(x["token_ids"], sliding)
    places = rows.windows.places.flat_values
    times_seen = tf.math.bincount(tf.cast(places, tf.int32), dtype=tf.float32)

    def framed(values):
        blank = tf.zeros([rows.num_rows, 1], values.dtype)
        return tf.concat([blank, values, blank], axis=1)

    shares = rows.windows.cut(weights[:, 1:-1])
    shares = shares.with_flat_values(shares.flat_values / tf.gather(times_seen, places))
    return rows.x, framed(rows.windows.cut(targets[:, 1:-1])), framed(shares)


def _ragged(inputs):
    token_ids = inputs["token_ids"]
    padding_mask = inputs.get("padding_mask", tf.ones_like(token_ids))
    return tf.RaggedTensor.from_tensor(token_ids, tf.math.count_nonzero(padding_mask, axis=1))
