"""Texts -> packed rows -> batches whose masks are drawn anew at every step."""

import tensorflow as tf

from tfzoo.data.batches import without_autotuning
from tfzoo.models import text_batches

TRAINING, EVALUATION = 1, 2


def training_batches(preprocessor, texts, batch_size, seed):
    """Returns endless shuffled batches `(x, mask_ids, mask_weights)`, and how many make an epoch.

    Masks are a function of the seed and the step: every epoch has others, and `skip` goes on
    exactly. A dataset of texts ends instead, and the number is None; its masks differ from epoch to
    epoch, too.
    """
    rows, num_steps = text_batches.training_batches(preprocessor, texts, batch_size, seed)
    if num_steps is None:
        numbers = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    else:
        numbers = tf.data.Dataset.counter()
    return _masked(preprocessor, numbers, rows, [seed, TRAINING]), num_steps


def evaluation_batches(preprocessor, texts, batch_size):
    """Returns batches in order, whose masks are always the same."""
    rows = text_batches.evaluation_batches(preprocessor, texts, batch_size)
    return _masked(preprocessor, tf.data.Dataset.counter(), rows, [0, EVALUATION])


def prediction_batches(preprocessor, texts, batch_size):
    """Returns batches of inputs: a row for each text, padded to the preprocessor's length."""

    def one_length(x):
        missing = preprocessor.sequence_length - tf.shape(x["token_ids"])[1]
        return {name: tf.pad(rows, [[0, 0], [0, missing]]) for name, rows in x.items()}

    if not text_batches.is_text_dataset(texts):
        texts = tf.data.Dataset.from_tensor_slices(text_batches.as_strings(texts))
    rows = texts.batch(batch_size).map(lambda batch: one_length(preprocessor(batch)))
    return without_autotuning(rows)


def _masked(preprocessor, numbers, rows, seed):
    def mask(number, x):
        step_seed = tf.random.experimental.stateless_fold_in(seed, number, alg="philox")
        return preprocessor.mask(x, step_seed)

    return tf.data.Dataset.zip(numbers, rows).map(mask).prefetch(2)
