"""Words and BIO tags as users have them -> numbers and batches.

N sentences, W words.
"""

import numpy as np
import tensorflow as tf

from tfzoo.data import sorted_batches


def is_word_lists(x):
    """Whether `x` is sentences as lists of words, or a ragged tensor of them."""
    if isinstance(x, tf.RaggedTensor):
        return x.dtype == tf.string
    return isinstance(x, (list, tuple)) and all(
        isinstance(words, (list, tuple)) and all(isinstance(word, (str, bytes)) for word in words)
        for words in x
    )


def as_words(x):
    """Sentences as ragged strings (N, None)."""
    if not is_word_lists(x):
        raise ValueError(
            "Sentences must be lists of words, such as [['to', 'be'], ['or']]; received "
            f"{x!r:.80}. `tag` reads raw texts."
        )
    if not isinstance(x, tf.RaggedTensor):
        x = tf.ragged.constant(list(map(list, x)), tf.string, ragged_rank=1)
    if not int(x.nrows()):
        raise ValueError("`x` must hold at least one sentence; received an empty list.")
    return x


def as_tags(y, words, tag_names):
    """Tags as ragged int32 (N, None), 0 for `O`.

    Raises:
        ValueError: a sentence has another number of tags than words, or a tag that is not known.
    """
    lengths = words.row_lengths().numpy()
    if y is None or len(y) != len(lengths):
        found = "None" if y is None else len(y)
        raise ValueError(
            f"`y` must hold a list of tags for each of the {len(lengths)} sentences; received "
            f"{found}."
        )
    numbers = {name: number for number, name in enumerate(tag_names)}
    rows = []
    for place, (tags, length) in enumerate(zip(y, lengths, strict=True)):
        if len(tags) != length:
            raise ValueError(
                f"Sentence {place} has {length} words and {len(tags)} tags: expected one tag for "
                "each word."
            )
        rows.append([_number(tag, numbers, place) for tag in tags])
    return tf.ragged.constant(rows, tf.int32, ragged_rank=1)


def training_rows(preprocessor, words, tags, tag_names):
    """Ragged `(x, targets, weights)`, if every tag's name has an example."""
    present = set((np.unique(tags.values.numpy()) + 1) // 2)
    missing = [name[2:] for n, name in enumerate(tag_names[1::2], start=1) if n not in present]
    if missing:
        raise ValueError(
            f"Every entity name must have an example to learn from; {len(missing)} have none, the "
            f"first is {missing[0]!r}. Take them out of `entity_names`, or add sentences."
        )
    return preprocessor.align(words, tags)


def word_rows(preprocessor, words):
    """Ragged `(x, weights)`, weight 1 at the first piece of each word, if all words fit."""
    x, is_first = preprocessor.words(words)
    num_seen = tf.reduce_sum(tf.cast(is_first, tf.int64), axis=1)
    cut = np.flatnonzero(num_seen != words.row_lengths())
    if cut.size:
        raise ValueError(
            f"Sentence {cut[0]} must fit into the {preprocessor.sequence_length} word pieces of "
            f"the preprocessor's `sequence_length`; only {int(num_seen[cut[0]])} of its "
            f"{int(words.row_lengths()[cut[0]])} words do. Divide it, or take a longer one."
        )
    return x, tf.cast(is_first, tf.float32)


def evaluation_batches(preprocessor, words, tags, batch_size):
    """Every sentence once, the longest first, with its words' tags at their first pieces."""
    x, weights = word_rows(preprocessor, words)
    is_first = tf.cast(weights.values, tf.bool)
    targets = tf.scatter_nd(tf.where(is_first), tags.values, tf.shape(is_first, tf.int64))
    return sorted_batches((x, weights.with_values(targets), weights), batch_size)[0]


def _number(tag, numbers, place):
    if tag not in numbers:
        raise ValueError(
            f"The tag {tag!r:.80} of sentence {place} must be O, or B- or I- and one of the "
            f"`entity_names`, which begin with {', '.join(n[2:] for n in list(numbers)[1:9:2])}."
        )
    return numbers[tag]
