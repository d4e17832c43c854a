"""From logits of starts and ends to the best answer over all windows of a context.

B questions, W windows of all contexts, T length of a row, A longest answer in tokens.
"""

from typing import NamedTuple

import tensorflow as tf

from tfzoo.losses import TokenLoss

# Low enough to be never chosen, high enough to be added up.
IMPOSSIBLE = -1e9


class Spans(NamedTuple):
    """The best span of each window, and what the others are worth; all (W,).

    Args:
        first_place: int64, the span's first token in the row.
        last_place: int64, its last token.
        logit: float32, sum of the two logits of the span.
        log_total: float32, `log sum exp` of the logits of all spans.
        no_answer: float32, sum of the two logits of `[CLS]`.
    """

    first_place: tf.Tensor
    last_place: tf.Tensor
    logit: tf.Tensor
    log_total: tf.Tensor
    no_answer: tf.Tensor


class Answers(NamedTuple):
    """The best answer of each question; all (B,).

    Args:
        row: int64, the window that holds it.
        first_place: int64, its first token in the row.
        last_place: int64, its last token.
        logit: float32, sum of its two logits.
        no_answer: float32, the logit of no answer.
        log_total: float32, `log sum exp` of the logits of all spans of all windows and no answer.
    """

    row: tf.Tensor
    first_place: tf.Tensor
    last_place: tf.Tensor
    logit: tf.Tensor
    no_answer: tf.Tensor
    log_total: tf.Tensor


def row_losses(targets, logits):
    """The mean of the cross-entropies of start and end: (W, 2) and (W, 2, T) to (W,)."""
    return tf.reduce_mean(TokenLoss()(targets, logits), axis=1)


def best_spans(logits, in_context, max_answer_length):
    """Finds the best valid span of each window.

    A span is valid if it starts and ends in the context, does not end before it starts, and is no
    longer than `max_answer_length`.

    Args:
        logits: float (W, 2, T), of starts and of ends.
        in_context: bool (W, T), where the row holds tokens of the context.
        max_answer_length: int, A.

    Returns:
        `Spans`. A window without context gets a logit of about `IMPOSSIBLE`.
    """
    logits = tf.cast(logits, tf.float32)
    length = tf.shape(logits)[2]
    starts, ends = tf.unstack(tf.where(in_context[:, None], logits, IMPOSSIBLE), axis=1)
    # Column a of the ends of a place is the end of an answer of a + 1 tokens that starts there.
    padded = tf.pad(ends, [[0, 0], [0, max_answer_length]], constant_values=IMPOSSIBLE)
    ends = tf.stack([padded[:, a : a + length] for a in range(max_answer_length)], axis=2)
    spans = tf.reshape(starts[:, :, None] + ends, [tf.shape(logits)[0], -1])
    best = tf.argmax(spans, axis=1)
    first = best // max_answer_length
    return Spans(
        first_place=first,
        last_place=first + best % max_answer_length,
        logit=tf.reduce_max(spans, axis=1),
        log_total=tf.reduce_logsumexp(spans, axis=1),
        no_answer=tf.reduce_sum(logits[:, :, 0], axis=1),
    )


def best_answers(spans, document, num_documents):
    """Chooses among the windows of each question.

    The logit of no answer is the smallest of the windows': the context has no answer only if none
    of its windows has one.

    Args:
        spans: `Spans`.
        document: int64 (W,), ascending, the question of each window.
        num_documents: int64, B; each has at least one window.

    Returns:
        `Answers`.

    Source: Devlin et al. 2019, "BERT", sections 4.2 and 4.3.
    """

    def best(values):
        return tf.math.unsorted_segment_max(values, document, num_documents)

    logit = best(spans.logit)
    no_answer = -best(-spans.no_answer)
    rows = tf.range(tf.size(document, tf.int64))
    chosen = tf.where(spans.logit == tf.gather(logit, document), rows, tf.size(rows, tf.int64))
    row = tf.math.unsorted_segment_min(chosen, document, num_documents)
    highest = best(spans.log_total)
    total = tf.exp(spans.log_total - tf.gather(highest, document))
    total = tf.math.log(tf.math.unsorted_segment_sum(total, document, num_documents)) + highest
    return Answers(
        row=row,
        first_place=tf.gather(spans.first_place, row),
        last_place=tf.gather(spans.last_place, row),
        logit=logit,
        no_answer=no_answer,
        log_total=tf.reduce_logsumexp(tf.stack([total, no_answer]), axis=0),
    )
