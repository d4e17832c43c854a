"""Answers to questions, as strings: the graph that finds them, and what calls it.

B questions, W windows of all contexts, T length of a row.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfzoo.metrics import answer_f1, exact_match
from tfzoo.models.bert.answer_spans import IMPOSSIBLE, best_answers, best_spans, row_losses
from tfzoo.models.in_batches import in_batches
from tfzoo.models.text_batches import as_strings

# Windows that are in the network at once, however long the texts are.
WINDOWS_PER_BATCH = 32


class FoundAnswer(NamedTuple):
    """An answer, and where it is in its context.

    Args:
        text: the answer, as it stands in the context; "" if the context has none.
        start: number of characters of the context in front of it.
        end: number of characters up to its end; 0 if there is no answer.
        score: in [0, 1], the probability that the model gives it, among all that it could answer.
    """

    text: str
    start: int
    end: int
    score: float


def answer(self, question, context, batch_size=32):
    """Finds answers.

    Args:
        question: string, or list of strings.
        context: string, or list of as many strings; a single one goes with all questions.
        batch_size: int, questions that are tokenized together. Memory is bounded whatever the
            length of the contexts: their windows go through the network 32 at a time.

    Returns:
        A `FoundAnswer` with `text`, `start`, `end` (characters) and `score`; a list of them for a
        list of questions.
    """
    self._attached()
    questions, contexts = _lists(question, context)
    signature = [tf.TensorSpec([None], tf.string)] * 2
    graph = self.graph(
        "answer", lambda: tf.function(lambda q, c: find_answers(self, q, c), signature)
    )
    # Those of about one length together, so that little padding is computed.
    order = sorted(range(len(questions)), key=lambda n: -len(contexts[n]))
    found = [None] * len(questions)
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        answers = graph(*(tf.constant([texts[n] for n in rows]) for texts in (questions, contexts)))
        columns = [column.numpy() for column in answers]
        for n, text, start, end, score in zip(rows, *columns, strict=True):
            found[n] = FoundAnswer(text.decode(), int(start), int(end), float(score))
    return found[0] if isinstance(question, (str, bytes)) else found


def find_answers(model, questions, contexts):
    """`FoundAnswer` with tensors (B,), from strings (B,); works inside a graph."""
    rows = model.preprocessor(questions, contexts)
    spans = in_batches(
        lambda first, limit: _spans(model, rows, first, limit)[1],
        rows.token_ids.nrows(),
        WINDOWS_PER_BATCH,
    )
    return _text(model, rows, spans, contexts)


def scores(model, x, y):
    """What `evaluate` reports of examples.

    Args:
        model: a `BertQuestionAnswerer`.
        x: dict of strings `question` and `context`, (B,).
        y: dict of strings `answers` (B, A), filled up with "", and of int32 `start` and `end` (B,),
            characters of the first answer; 0 where there is none.

    Returns:
        `(losses, exact_match, f1)`: float32 (W,), (B,) and (B,).
    """
    rows = model.preprocessor(x["question"], x["context"])
    targets = model.preprocessor.targets(rows, y["start"], y["end"])
    losses, spans = in_batches(
        lambda first, limit: _spans(model, rows, first, limit, targets),
        rows.token_ids.nrows(),
        WINDOWS_PER_BATCH,
    )
    found = _text(model, rows, spans, x["context"])
    matches, f1 = tf.numpy_function(
        _official_scores, [found.text, y["answers"]], [tf.float32, tf.float32], stateful=False
    )
    batch = tf.shape(x["question"])
    return losses, tf.reshape(matches, batch), tf.reshape(f1, batch)


def _spans(model, rows, first, limit, targets=None):
    """The best spans of some rows; before them, with targets, the losses of these rows."""
    inputs = rows.inputs(first, limit)
    logits = model(inputs, training=False)
    places = tf.range(tf.shape(logits, tf.int64)[2])
    begin = rows.first_place[first:limit, None]
    end = begin + rows.windows.places.row_lengths()[first:limit, None]
    spans = best_spans(logits, (places >= begin) & (places < end), model.max_answer_length)
    losses = None if targets is None else row_losses(targets[first:limit], logits)
    return losses, spans


def _text(model, rows, spans, contexts):
    answers = best_answers(spans, rows.windows.document, tf.size(contexts))
    is_found = answers.logit > IMPOSSIBLE / 2
    if model.no_answer_threshold is not None:
        is_found &= answers.no_answer - answers.logit <= model.no_answer_threshold
    starts, ends = rows.characters(answers.row, answers.first_place, answers.last_place)
    starts, ends = tf.where(is_found, starts, 0), tf.where(is_found, ends, 0)
    chosen = tf.where(is_found, answers.logit, answers.no_answer)
    return FoundAnswer(
        text=tf.strings.substr(contexts, starts, ends - starts, unit="UTF8_CHAR"),
        start=starts,
        end=ends,
        score=tf.exp(chosen - answers.log_total),
    )


def _official_scores(texts, answers):
    pairs = [
        (text.decode(), [answer.decode() for answer in row])
        for text, row in zip(texts, answers, strict=True)
    ]
    return tuple(
        np.array([metric(*pair) for pair in pairs], np.float32)
        for metric in (exact_match, answer_f1)
    )


def _lists(question, context):
    questions, contexts = (list(as_strings(texts).numpy()) for texts in (question, context))
    if isinstance(context, (str, bytes)):
        contexts *= len(questions)
    if len(questions) != len(contexts):
        raise ValueError(
            "`context` must be one string, or one for each question; received "
            f"{len(contexts)} for {len(questions)} questions."
        )
    return questions, contexts
