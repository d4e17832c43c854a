"""A language model that can be read: a table of logits, and a memory that matters."""

import numpy as np
import tensorflow as tf

from tfzoo.samplers import Draft

PERIOD = 3


class Toy:
    """The logits after a token depend on it and on the sum of all tokens read since the prompt.

    The memory holds that sum, so that a lost or exchanged memory shows in the text.
    """

    def __init__(self, vocabulary_size, seed=0, scale=2.0):
        rng = np.random.default_rng(seed)
        shape = (vocabulary_size, PERIOD, vocabulary_size)
        self.table = (rng.normal(size=shape) * scale).astype("float32")

    def __call__(self, token_ids, memory):
        memory = {"sum": memory["sum"] + token_ids[:, 0]}
        places = tf.stack([token_ids[:, 0], memory["sum"] % PERIOD], axis=1)
        return tf.gather_nd(self.table, places), memory

    def log_probs(self, last, total):
        """`(log p of every next token)` after a text whose last token and sum are these."""
        logits = self.table[last, total % PERIOD].astype("float64")
        return logits - np.log(np.sum(np.exp(logits)))


def draft_of(prompts, num_slots, copies=1):
    """A `Draft` of prompts (lists of ids), padded on the left; the toy reads their last token."""
    length = max(map(len, prompts))
    rows = [prompt for prompt in prompts for _ in range(copies)]
    padded = [[0] * (length - len(row)) + row + [0] * (num_slots - length) for row in rows]
    written = [[length - len(row) <= slot < length for slot in range(num_slots)] for row in rows]
    return Draft(
        token_ids=tf.constant(padded, tf.int32),
        written=tf.constant(written),
        log_probs=tf.zeros([len(rows), num_slots]),
        finished=tf.zeros([len(rows)], tf.bool),
        index=tf.constant(length - 1),
        memory={"sum": tf.zeros([len(rows)], tf.int32)},
    )


def new_tokens(draft, start):
    """The tokens that each row wrote from slot `start` on, as lists."""
    ids, written = draft.token_ids.numpy()[:, start:], draft.written.numpy()[:, start:]
    return [row[mask].tolist() for row, mask in zip(ids, written, strict=True)]
