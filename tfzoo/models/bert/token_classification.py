"""What a token classifier is asked for: entities, and tags of words; live and served.

B texts.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfzoo.data import sorted_batches
from tfzoo.models.bert.entity_spans import find_entities, word_tags
from tfzoo.models.bert.tagged_examples import as_words, word_rows
from tfzoo.models.text_batches import as_strings


class Entity(NamedTuple):
    """One entity that `BertTokenClassifier.tag` found.

    Attributes:
        label: its name.
        text: its words, exactly as in the text: `text[start:end]`.
        start: place of its first character.
        end: place behind its last character.
        score: float in [0, 1], the mean over its words of the probability of their tags.
    """

    label: str
    text: str
    start: int
    end: int
    score: float


def tag_words(self, words, batch_size=32):
    """Tags sentences that are divided into words already.

    Args:
        words: lists of words.
        batch_size: int, sentences at a time.

    Returns:
        For each sentence a list of tags, one for each word.
    """
    words = as_words(words)
    dataset, order = sorted_batches(word_rows(self._attached(), words), batch_size)
    graph = self.graph(
        "tag_words",
        lambda: tf.function(
            lambda x, is_first: word_tags(self(x, training=False), is_first)[0],
            autograph=False,
            reduce_retracing=True,
        ),
    )
    found = [row for x, is_first in dataset for row in graph(x, is_first > 0).numpy()]
    names, lengths = np.array(self.tag_names), words.row_lengths().numpy()
    return [names[found[place][: lengths[n]]].tolist() for n, place in enumerate(np.argsort(order))]


def tag(self, texts, batch_size=32):
    """Finds the entities of raw texts.

    Args:
        texts: a string, or strings. What is longer than the preprocessor's length is cut,
            unless there are `long_documents`.
        batch_size: int, texts at a time.

    Returns:
        For each text a list of `Entity` in the order of their places; for one string one list.
    """
    self._attached()
    strings = as_strings(texts)
    order = np.argsort(-tf.strings.length(strings).numpy(), kind="stable")
    find = functools.partial(find_entities, self)
    graph = self.graph("tag", lambda: tf.function(find, autograph=False, reduce_retracing=True))
    found = [None] * len(order)
    for first in range(0, len(order), batch_size):
        places = order[first : first + batch_size]
        entities = _entities(graph(tf.gather(strings, places)))
        for place, of_one_text in zip(places, entities, strict=True):
            found[place] = of_one_text
    return found[0] if isinstance(texts, (str, bytes)) else found


def serving_functions(self):
    """What `tfzoo.export` puts into a SavedModel: names, functions and their inputs.

    `tag`: text string (B,) -> num_entities int32 (B,), and of each entity, padded to the most
    of a text: label and text string, start and end int32 in characters, score float32, all
    (B, None).
    """
    self._attached()

    def tag(text):
        """Finds the entities of texts: what they are, and where."""
        found = find_entities(self, text)
        lengths = {"num_entities": tf.cast(found["start"].row_lengths(), tf.int32)}
        return lengths | {name: rows.to_tensor() for name, rows in found.items()}

    return {"tag": (tag, [tf.TensorSpec([None], tf.string, "text")])}


def _entities(found):
    """Lists of `Entity` out of the ragged tensors of a batch."""
    columns = [found[field].to_list() for field in Entity._fields]
    return [
        [
            Entity(label.decode(), text.decode(), start, end, score)
            for label, text, start, end, score in zip(*row, strict=True)
        ]
        for row in zip(*columns, strict=True)
    ]
