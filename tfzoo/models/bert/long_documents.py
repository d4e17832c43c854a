"""Documents longer than the network's window, for every task: rows of their windows.

B documents, W windows of all of them, T length of a row.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from tfzoo.preprocessing import SlidingWindows, Windows

NUM_SPECIAL_TOKENS = 2  # [CLS] in front of a window, [SEP] behind it


class WindowRows(NamedTuple):
    """`[CLS] window [SEP]` for each window.

    Args:
        x: dict of ragged (W, None), what a `BertBackbone` takes once it is dense.
        padding: dict, what fills up the rows of `x` where it is not 0.
    """

    x: dict
    padding: dict

    @property
    def num_rows(self):
        """W."""
        return self.x["token_ids"].nrows()

    def inputs(self, first=0, limit=None):
        """Dense rows `first` to `limit`, padded to the longest of them."""
        return {
            name: rows[first:limit].to_tensor(self.padding.get(name))
            for name, rows in self.x.items()
        }


def document_windows(
    preprocessor: Any, texts: tf.Tensor, sliding: SlidingWindows
) -> tuple[WindowRows, Windows]:
    """Cuts texts (B,) into windows; works inside a graph."""
    tokens = preprocessor.tokenizer.tokenize(texts)
    windows = sliding.split(tokens.row_lengths(), NUM_SPECIAL_TOKENS)
    return window_rows(preprocessor.tokenizer, windows.cut(tokens)), windows


def window_rows(tokenizer: Any, tokens: tf.RaggedTensor) -> WindowRows:
    """Puts special tokens around windows of tokens, ragged (W, None)."""

    def column(value, dtype):
        return tf.fill([tokens.nrows(), 1], tf.constant(value, dtype))

    start, end = (
        column(n, tokens.dtype) for n in (tokenizer.start_token_id, tokenizer.end_token_id)
    )
    token_ids = tf.concat([start, tokens, end], axis=1)
    x = {
        "token_ids": token_ids,
        "segment_ids": tf.zeros_like(token_ids),
        "padding_mask": tf.ones_like(token_ids, tf.bool),
    }
    return WindowRows(x, {"token_ids": tokenizer.padding_token_id})
