"""Pairs of texts that belong together -> batches.

N pairs, B of a batch.
"""

import numpy as np
import tensorflow as tf

from tfzoo.data import bucketed_batches, sorted_batches

# How many texts are tokenized at once.
TEXTS_PER_CALL = 1024


def is_pairs(x):
    """Whether `x` is a list of pairs of strings."""
    return (
        isinstance(x, (list, tuple))
        and bool(x)
        and all(
            isinstance(pair, (list, tuple))
            and len(pair) == 2
            and all(isinstance(text, str) for text in pair)
            for pair in x
        )
    )


def pairs_of(x, y):
    """Two lists of strings, from pairs, or from the first and the second texts."""
    if y is None and is_pairs(x):
        first, second = zip(*x, strict=True)
        return list(first), list(second)
    if y is None or is_pairs(x):
        raise ValueError(
            "`x` must be pairs of texts that belong together, or a list of the first ones with the "
            f"second ones in `y`; received a {type(x).__name__} and a {type(y).__name__}."
        )
    if len(x) != len(y) or not len(x):
        raise ValueError(
            f"`y` must have a text for each of `x`, at least one; received {len(x)} and {len(y)}."
        )
    return list(x), list(y)


def training_batches(preprocessor, pairs, batch_size, seed):
    """Returns shuffled batches of pairs of about one length, and how many make an epoch."""
    rows = _rows(preprocessor, pairs)
    return bucketed_batches(rows, batch_size, seed=seed), -(-len(pairs[0]) // batch_size)


def evaluation_batches(preprocessor, pairs, batch_size):
    """Returns batches in which each pair comes once."""
    return sorted_batches(_rows(preprocessor, pairs), batch_size)[0]


def _rows(preprocessor, pairs):
    """`(x, text_ids)`: x ragged, text_ids int32 (N, 2), equal for equal texts."""
    first, second = (_tokenized(preprocessor, texts) for texts in pairs)
    _, text_ids = np.unique([*pairs[0], *pairs[1]], return_inverse=True)
    text_ids = text_ids.reshape(2, -1).T.astype(np.int32)
    return {"first": first, "second": second}, text_ids


def _tokenized(preprocessor, texts):
    parts = [
        preprocessor.rows(texts[start : start + TEXTS_PER_CALL])
        for start in range(0, len(texts), TEXTS_PER_CALL)
    ]
    return tf.nest.map_structure(lambda *part: tf.concat(part, axis=0), *parts)
