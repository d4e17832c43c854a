"""Texts -> entities with their places, in the graph.

B texts, T word pieces, W words, C tags, S entities.
"""

import tensorflow as tf

from tfzoo.metrics import entity_borders
from tfzoo.models.bert.long_documents import uncut
from tfzoo.preprocessing.special_tokens import padded
from tfzoo.samplers import bio_transitions, viterbi


def word_tags(logits, is_word):
    """The best valid tags of the words, and how probable each of them is.

    Args:
        logits: (B, T, C).
        is_word: bool (B, T), the pieces that speak for their words.

    Returns:
        `(tags, probabilities, num_words)`: int32 and float32 (B, W), 0 behind the last word; int64
        (B,).
    """
    log_probs = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    of_words = tf.ragged.boolean_mask(log_probs, is_word)
    num_words = of_words.row_lengths()
    of_words = of_words.to_tensor(shape=[None, None, logits.shape[-1]])
    tags = viterbi(of_words, num_words, bio_transitions(logits.shape[-1] // 2))
    return tags, tf.exp(tf.gather(of_words, tags, batch_dims=2)), num_words


def find_entities(classifier, texts):
    """Tags raw texts.

    Args:
        classifier: a `BertTokenClassifier` with a preprocessor.
        texts: strings (B,).

    Returns:
        Dict of ragged (B, None): `label` string, `text` string, `start` and `end` int32 in
        characters, and `score` float32, the mean over the words of the probability of their tags.
    """
    preprocessor = classifier.preprocessor
    if classifier.long_documents:
        preprocessor = uncut(preprocessor)
    located = preprocessor.locate(texts)
    logits = classifier(padded(located.x, preprocessor.tokenizer.padding_token_id))
    begins = located.begins_word.to_tensor()
    tags, probabilities, num_words = word_tags(logits, begins)

    def words_only(values):
        return tf.RaggedTensor.from_tensor(values, num_words).values

    # In one row from here on: the words of all texts, then their entities.
    names, first, last = map(words_only, entity_borders(tags))
    starts = tf.boolean_mask(located.starts.to_tensor(), begins)
    ends = tf.boolean_mask(located.ends.to_tensor(), _ends_word(located))
    num_entities = tf.math.count_nonzero(entity_borders(tags)[1], axis=1)
    is_inside = names >= 0
    number = tf.boolean_mask(tf.cumsum(tf.cast(first, tf.int32)) - 1, is_inside)
    start, end = tf.boolean_mask(starts, first), tf.boolean_mask(ends, last)
    score = tf.math.unsorted_segment_mean(
        tf.boolean_mask(words_only(probabilities), is_inside), number, tf.size(start)
    )
    found = {
        "label": tf.gather(tf.constant(classifier.entity_names), tf.boolean_mask(names, first)),
        "text": tf.strings.substr(
            tf.repeat(texts, num_entities), start, end - start, unit="UTF8_CHAR"
        ),
        "start": start,
        "end": end,
        "score": score,
    }
    return {
        key: tf.RaggedTensor.from_row_lengths(value, num_entities, validate=False)
        for key, value in found.items()
    }


def _ends_word(located):
    """Whether each piece (B, T) is the last of its word."""
    begins = located.begins_word
    is_special = tf.concat([tf.ones_like(begins[:, :1]), tf.zeros_like(begins[:, 1:-1])], axis=1)
    is_special = tf.concat([is_special, tf.ones_like(begins[:, -1:])], axis=1).to_tensor(True)
    goes_on = ~begins.to_tensor() & ~is_special
    return ~is_special & ~tf.pad(goes_on[:, 1:], [[0, 0], [0, 1]])
