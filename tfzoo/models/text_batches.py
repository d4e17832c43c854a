"""Unlabelled texts -> batches, through a preprocessor that packs them into rows.

The other kinds of raw data (labelled texts, images) have their own ways; see the hooks of `Task`.
"""

import os

import numpy as np
import tensorflow as tf

from tfzoo.data import batches, shuffled_batches
from tfzoo.data.batches import without_autotuning

TEXTS_PER_PACK = 1024
# How many batches of a stream are in memory at once, to be drawn from at random.
BATCHES_TO_SHUFFLE = 64
LONGEST_PATH = 255  # characters; the name of a file is no longer


def is_text_dataset(x):
    """Whether `x` is a `tf.data.Dataset` of strings, one by one or in batches."""
    spec = x.element_spec if isinstance(x, tf.data.Dataset) else None
    return isinstance(spec, tf.TensorSpec) and spec.dtype == tf.string and spec.shape.rank in (0, 1)


def is_text(x):
    """Whether `x` is raw text: a string or strings, in a list, tensor, array or dataset."""
    if isinstance(x, (str, bytes)) or is_text_dataset(x):
        return True
    if isinstance(x, (list, tuple)):
        return all(isinstance(text, (str, bytes)) for text in x)
    if tf.is_tensor(x):
        return x.dtype == tf.string
    return isinstance(x, np.ndarray) and x.dtype.kind in "USO"


def as_strings(texts):
    """Turns a string, or strings in any form but a dataset, into a string tensor (B,)."""
    if isinstance(texts, (str, bytes)):
        texts = [texts]
    try:
        return tf.constant(texts, tf.string)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "Texts must be a string, or strings in a list, an array or a tensor; received "
            f"{what_is_no_text(texts)}."
        ) from error


def what_is_no_text(x):
    """Words for data that should be texts: what they are, and the first part that is no string."""
    if isinstance(x, (list, tuple)):
        odd = [n for n, part in enumerate(x) if not isinstance(part, (str, bytes))]
        if odd:
            return f"{x[odd[0]]!r:.80} at place {odd[0]} of a {type(x).__name__}"
    return f"{x!r:.80}"


def training_batches(preprocessor, texts, batch_size, seed):
    """Returns shuffled batches of packed rows, and how many of them make an epoch.

    Texts in memory are tokenized once, whatever the number of epochs. A dataset need not fit into
    memory: its rows are shuffled within 64 batches, and how many there are is not known (None).
    """
    if not is_text_dataset(texts):
        rows = packed_rows(preprocessor, texts)
        num_rows = len(tf.nest.flatten(rows)[0])
        batch_size = min(batch_size, num_rows)
        return shuffled_batches(rows, batch_size, seed=seed), num_rows // batch_size
    rows = _one_by_one(texts).batch(TEXTS_PER_PACK).map(preprocessor.pack).unbatch()
    rows = rows.shuffle(BATCHES_TO_SHUFFLE * batch_size, seed=seed)
    rows = rows.batch(batch_size, drop_remainder=True).prefetch(2)
    return without_autotuning(rows), None


def evaluation_batches(preprocessor, texts, batch_size):
    """Returns batches of packed rows: each row once, in order."""
    if not is_text_dataset(texts):
        return batches(packed_rows(preprocessor, texts), batch_size)
    rows = _one_by_one(texts).batch(TEXTS_PER_PACK).map(preprocessor.pack).unbatch()
    return without_autotuning(rows.batch(batch_size).prefetch(2))


def prediction_batches(preprocessor, texts, batch_size):
    """Returns batches of inputs: a row for each text, in order."""
    if not is_text_dataset(texts):
        texts = tf.data.Dataset.from_tensor_slices(as_strings(texts))
    rows = _one_by_one(texts).batch(batch_size)
    return without_autotuning(rows.map(lambda batch: preprocessor(batch)[0]))


def _one_by_one(texts):
    return texts.unbatch() if texts.element_spec.shape.rank else texts


def packed_rows(preprocessor, texts):
    """Returns all texts as packed rows in memory."""
    _refuse_path(texts)
    texts = as_strings(texts)
    if tf.size(texts) == 0:
        raise ValueError("`x` must hold at least one text; received an empty list.")
    if tf.reduce_all(texts == ""):
        raise ValueError(f"`x` must hold text; received {tf.size(texts)} empty strings.")
    return tf.nest.map_structure(lambda rows: rows.numpy(), preprocessor.pack(texts))


def _refuse_path(texts):
    """A file's name is a text, too, but nobody wants to learn it."""
    is_short = isinstance(texts, str) and len(texts) < LONGEST_PATH
    if is_short and os.path.exists(texts):
        raise ValueError(
            f"`x` must be texts; received {texts!r}, the path of a file or folder. Read it by "
            "`tfzoo.data.load_texts` or `load_corpus` first."
        )
