"""Texts to vectors, in a graph and outside; and the nearest of them.

B texts, N of all calls, D hidden_dim.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfzoo.models.bert.long_documents import uncut
from tfzoo.models.text_batches import as_strings


class FoundText(NamedTuple):
    """A text that was found.

    Args:
        index: its number in the list that was searched, from 0.
        text: the text.
        similarity: in [-1, 1], cosine of the angle between it and what was asked for.
    """

    index: int
    text: str
    similarity: float


def embed(self, texts, batch_size=32):
    """Makes vectors of texts.

    Args:
        texts: a string, or strings in a list, array or tensor.
        batch_size: int, texts at a time. Those of about one length are put together, so that hardly
            any padding is computed.

    Returns:
        float32 (N, D), unit vectors in the order of the texts; (D,) for one string.
    """
    self._attached()
    signature = [tf.TensorSpec([None], tf.string)]
    graph = self.graph(
        "embed", lambda: tf.function(lambda texts: embed_texts(self, texts), signature)
    )
    strings = as_strings(texts).numpy()
    vectors = np.zeros([len(strings), self.backbone.hidden_dim], np.float32)
    order = sorted(range(len(strings)), key=lambda n: -len(strings[n]))
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        vectors[rows] = graph(tf.constant(strings[rows], tf.string))
    return vectors[0] if isinstance(texts, (str, bytes)) else vectors


def search(self, query, texts, top_k=5, *, vectors=None, batch_size=32):
    """Finds the texts that are most similar to one.

    Args:
        query: string, or a list of them.
        texts: list of N strings.
        top_k: int, how many to find.
        vectors: optional (N, D), what `embed(texts)` returned: for texts that are searched often.
        batch_size: int, texts at a time.

    Returns:
        List of `FoundText`, the most similar first; for a list of queries a list of such lists.
    """
    if top_k < 1:
        raise ValueError(f"`top_k` must be at least 1; received {top_k}.")
    if isinstance(texts, (str, bytes)):
        raise ValueError(f"`texts` must be a list of strings; received the string {texts!r:.80}.")
    texts = list(texts)
    vectors = self.embed(texts, batch_size) if vectors is None else np.asarray(vectors)
    if vectors.shape != (len(texts), self.backbone.hidden_dim):
        raise ValueError(
            f"`vectors` must have shape {(len(texts), self.backbone.hidden_dim)}, a vector for "
            f"each text; received {vectors.shape}."
        )
    similarities = np.atleast_2d(self.embed(query, batch_size)) @ vectors.T
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :top_k]
    found = [
        [FoundText(int(n), texts[n], float(row[n])) for n in best]
        for row, best in zip(similarities, order, strict=True)
    ]
    return found[0] if isinstance(query, (str, bytes)) else found


def embed_texts(model, texts):
    """Unit vectors (B, D) of strings (B,), inside a graph."""
    preprocessor = model.preprocessor
    return model((uncut(preprocessor) if model.long_documents else preprocessor)(texts))
