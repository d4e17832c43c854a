"""What a text classifier is asked for: classes and their probabilities; live and served.

B texts, C classes.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfzoo.data import sorted_batches
from tfzoo.models.bert.labelled_examples import as_examples


class ClassProbability(NamedTuple):
    """One answer of `BertTextClassifier.classify`.

    Attributes:
        name: of the class.
        probability: float in [0, 1].
    """

    name: str
    probability: float


def classify(self, texts, top_k=None, batch_size=32):
    """Says what texts are.

    Args:
        texts: a string, or strings or pairs of strings in any form that `fit` takes.
        top_k: optional int, how many classes to name; None names all.
        batch_size: int, texts at a time.

    Returns:
        For each text a list of `ClassProbability`, the most probable first; for one string one
        such list. With `multi_label` the probabilities are independent of each other.
    """
    if top_k is not None and not 1 <= top_k <= len(self.class_names):
        raise ValueError(
            f"`top_k` must be from 1 to {len(self.class_names)}, the number of classes; "
            f"received {top_k}."
        )
    rows = self._rows(as_examples(texts)[0])
    dataset, order = sorted_batches(rows, batch_size)
    graph = self.graph(
        "classify",
        lambda: tf.function(
            functools.partial(probabilities, self), autograph=False, reduce_retracing=True
        ),
    )
    found = np.concatenate([graph(x).numpy() for x in dataset])[np.argsort(order)]
    answers = [
        [ClassProbability(self.class_names[n], float(row[n])) for n in np.argsort(-row)[:top_k]]
        for row in found
    ]
    return answers[0] if isinstance(texts, (str, bytes)) else answers


def serving_functions(self):
    """What `tfzoo.export` puts into a SavedModel: names, functions and their inputs.

    `classify`: text string (B,) -> class_names string (B, C), the same in each row, probabilities
    float32 (B, C), and the most probable class of each text, label string (B,) and probability
    float32 (B,).
    `classify_pair`: text and second_text, both string (B,) -> the same; not where there are
    `long_documents`.
    """
    self._attached()

    def classify(text):
        """Says which class each text belongs to."""
        return answer(text)

    def classify_pair(text, second_text):
        """Says which class each pair of texts belongs to."""
        return answer(tf.stack([text, second_text], axis=1))

    def answer(texts):
        found = probabilities(self, self._attached()(texts))
        names = tf.constant(self.class_names)
        return {
            # In every row: servers answer by rows, and call that of all rows none.
            "class_names": tf.broadcast_to(names, tf.shape(found)),
            "label": tf.gather(names, tf.argmax(found, -1)),
            "probability": tf.reduce_max(found, axis=-1),
            "probabilities": found,
        }

    text, second = (tf.TensorSpec([None], tf.string, name) for name in ("text", "second_text"))
    functions = {"classify": (classify, [text]), "classify_pair": (classify_pair, [text, second])}
    return {"classify": functions["classify"]} if self.long_documents else functions


def probabilities(self, x):
    """Float32 (B, C) of a batch of rows."""
    logits = tf.cast(self(x, training=False), tf.float32)
    return tf.sigmoid(logits) if self.multi_label else tf.nn.softmax(logits)
