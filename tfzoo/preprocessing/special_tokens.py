"""Tokens of texts between the special tokens of BERT.

B examples.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def between_special_tokens(
    tokenizer: Any, parts: Sequence[tf.RaggedTensor]
) -> dict[str, tf.RaggedTensor]:
    """`[CLS] part [SEP] part [SEP] ...`, each part a segment of its own.

    Args:
        tokenizer: has `start_token_id` and `end_token_id`.
        parts: ragged int32 (B, None), the tokens of each part.

    Returns:
        Dict of ragged (B, None): `token_ids` int32, `segment_ids` int32, counted from 0, and
        `padding_mask` bool, True.
    """
    tokens, segments = [column(parts[0], tokenizer.start_token_id)], [column(parts[0], 0)]
    for number, part in enumerate(parts):
        tokens += [part, column(part, tokenizer.end_token_id)]
        segments += [tf.zeros_like(part) + number, column(part, number)]
    token_ids = tf.concat(tokens, axis=1)
    return {
        "token_ids": token_ids,
        "segment_ids": tf.concat(segments, axis=1),
        "padding_mask": tf.ones_like(token_ids, tf.bool),
    }


def column(rows: tf.RaggedTensor, value: int | bool) -> tf.RaggedTensor:
    """One `value` for each row, of the rows' dtype: ragged (B, 1)."""
    values = tf.fill([rows.nrows()], tf.cast(value, rows.dtype))
    return tf.RaggedTensor.from_uniform_row_length(values, 1)


def framed(rows: tf.RaggedTensor) -> tf.RaggedTensor:
    """Zeros or False at both ends of each row, where the special tokens are."""
    return tf.concat([column(rows, 0), rows, column(rows, 0)], axis=1)


def padded(x: dict[str, tf.RaggedTensor], padding_token_id: int) -> dict[str, tf.Tensor]:
    """Dense rows (B, T) of the ragged ones of `between_special_tokens`."""
    padding = {"token_ids": padding_token_id}
    return {name: rows.to_tensor(padding.get(name)) for name, rows in x.items()}


def cut(rows: tf.RaggedTensor, limits: Any) -> tf.RaggedTensor:
    """Keeps the first entries of each row.

    Args:
        rows: ragged (B, None).
        limits: int scalar or int64 (B,), how many at most.

    Returns:
        Ragged (B, None).
    """
    lengths = rows.row_lengths()
    limits = tf.broadcast_to(tf.cast(limits, tf.int64), tf.shape(lengths))
    places = tf.ragged.range(lengths).values
    return tf.ragged.boolean_mask(rows, rows.with_values(places < tf.repeat(limits, lengths)))


def require_special_tokens(tokenizer: Any, sequence_length: int, room_for: int) -> None:
    """Raises a `ValueError` where the special tokens, or room beside them, are missing."""
    if tokenizer.start_token_id is None or tokenizer.end_token_id is None:
        raise ValueError(
            "`tokenizer` must have a token to start a text with and one to end it, [CLS] and [SEP] "
            f"in BERT; received a {type(tokenizer).__name__} without them."
        )
    if sequence_length <= room_for:
        raise ValueError(
            f"`sequence_length` must be more than {room_for}, the special tokens; received "
            f"{sequence_length}."
        )
