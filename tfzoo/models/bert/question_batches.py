"""Examples with questions and answers -> batches.

N examples, B of a batch, W windows of all contexts, A most answers of an example.
"""

import numpy as np
import tensorflow as tf

from tfzoo.data import QuestionAnswerExample, bucketed_batches

# How many examples are tokenized at once.
EXAMPLES_PER_CALL = 256


def is_examples(x):
    """Whether `x` is a list or tuple of `QuestionAnswerExample`s."""
    return isinstance(x, (list, tuple)) and all(isinstance(e, QuestionAnswerExample) for e in x)


def training_batches(preprocessor, examples, batch_size, seed):
    """Returns shuffled batches of rows of about one length, and how many make an epoch."""
    if not examples:
        raise ValueError("`x` must hold at least one example; received an empty list.")
    tokenize = tf.function(
        lambda x, y: _rows(preprocessor, x, y["start"], y["end"]), reduce_retracing=True
    )
    parts = [
        tokenize(*_strings(examples[start : start + EXAMPLES_PER_CALL]))
        for start in range(0, len(examples), EXAMPLES_PER_CALL)
    ]
    rows = tf.nest.map_structure(lambda *part: tf.concat(part, axis=0), *parts)
    num_steps = -(-int(rows[1].shape[0]) // batch_size)
    return bucketed_batches(rows, batch_size, seed=seed), num_steps


def evaluation_batches(examples, batch_size):
    """Returns batches of strings; examples of about one length are together."""
    if not examples:
        raise ValueError("`x` must hold at least one example; received an empty list.")
    examples = sorted(examples, key=lambda example: -len(example.context))
    data = tf.data.Dataset.from_tensor_slices(_strings(examples)).batch(batch_size)
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def _strings(examples):
    """`(x, y)`: question and context (N,); answers (N, A), and start and end of the first (N,)."""
    firsts = [example.answers[0] if example.answers else ("", 0) for example in examples]
    num_answers = max(1, *(len(example.answers) for example in examples))
    answers = np.full([len(examples), num_answers], "", object)
    for row, example in zip(answers, examples, strict=True):
        row[: len(example.answers)] = [answer.text for answer in example.answers]
    x = {
        "question": tf.constant([example.question for example in examples]),
        "context": tf.constant([example.context for example in examples]),
    }
    y = {
        "answers": tf.constant(answers, tf.string),
        "start": tf.constant([start for _, start in firsts], tf.int32),
        "end": tf.constant([start + len(text) for text, start in firsts], tf.int32),
    }
    return x, y


def _rows(preprocessor, x, answer_starts, answer_ends):
    """Prepared rows: `(x, targets)`, x ragged."""
    rows = preprocessor(x["question"], x["context"])
    inputs = {
        "token_ids": rows.token_ids,
        "segment_ids": rows.segment_ids,
        "padding_mask": tf.ones_like(rows.token_ids, tf.bool),
    }
    return inputs, preprocessor.targets(rows, answer_starts, answer_ends)
