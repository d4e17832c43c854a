"""What the laws have to know of BERT's classifiers."""

import numpy as np
import tensorflow as tf

from tfzoo.models import BertBackbone, BertTextClassifier, BertTokenClassifier
from tfzoo.preprocessing import (
    TextClassifierPreprocessor,
    TokenClassifierPreprocessor,
    WordPieceTokenizer,
)

LENGTH = 11
TOKENS = "[PAD] [UNK] [CLS] [SEP] a b c d ##e ##f :".split()
CLASS_NAMES = ["good", "bad", "odd", "new", "old", "raw", "dry"]
ENTITY_NAMES = ["who", "when", "where"]
TEXTS = ["a bee: c d a:b caf", "", "d d b c a"]


def backbone(dropout, dtype):
    """V 11, L 2, H 3, K 6, D 18, F 29."""
    return BertBackbone(
        len(TOKENS), 2, 3, 18, 29, dropout=dropout, max_sequence_length=37, dtype=dtype
    )


def text_classifier(dropout=0.0, dtype="float32"):
    preprocessor = TextClassifierPreprocessor(WordPieceTokenizer(TOKENS), LENGTH)
    return BertTextClassifier(backbone(dropout, dtype), preprocessor, CLASS_NAMES, dropout=dropout)


def token_classifier(dropout=0.0, dtype="float32"):
    preprocessor = TokenClassifierPreprocessor(WordPieceTokenizer(TOKENS), LENGTH)
    return BertTokenClassifier(
        backbone(dropout, dtype), preprocessor, ENTITY_NAMES, dropout=dropout
    )


def inputs(rng, rows):
    real = np.arange(LENGTH) < rng.integers(2, LENGTH + 1, rows)[:, None]
    return {
        "token_ids": rng.integers(0, len(TOKENS), (rows, LENGTH)).astype("int32") * real,
        "segment_ids": rng.integers(0, 2, (rows, LENGTH)).astype("int32") * real,
        "padding_mask": real,
    }


def text_batch(rng, rows):
    weights = rng.uniform(0.5, 2, rows).astype("float32")
    targets = rng.integers(0, len(CLASS_NAMES), rows).astype("int32")
    return inputs(rng, rows), targets, weights


def token_batch(rng, rows):
    x = inputs(rng, rows)
    targets = rng.integers(0, 2 * len(ENTITY_NAMES) + 1, (rows, LENGTH)).astype("int32")
    weights = x["padding_mask"] * rng.uniform(0.5, 2, (rows, LENGTH))
    return x, targets, weights.astype("float32")


def mean_loss(model, x, targets, weights):
    """Weighted mean of the cross-entropy, spelled out with one-hot targets."""
    log_probs = tf.nn.log_softmax(tf.cast(model(x), tf.float32))
    hits = tf.one_hot(targets, log_probs.shape[-1])
    return -tf.reduce_sum(hits * log_probs * weights[..., None]) / tf.reduce_sum(weights)


def served_classes(model):
    def outputs(texts):
        rows = [dict(answer) for answer in model.classify(texts)]
        best = [answer[0] for answer in model.classify(texts, top_k=1)]
        return {
            "class_names": [list(CLASS_NAMES)] * len(texts),
            "label": [one.name for one in best],
            "probability": np.array([one.probability for one in best]),
            "probabilities": np.array([[row[name] for name in CLASS_NAMES] for row in rows]),
        }

    pairs = list(zip(TEXTS, reversed(TEXTS), strict=True))
    second = list(reversed(TEXTS))
    return {
        "classify": ({"text": TEXTS}, outputs(TEXTS)),
        "classify_pair": ({"text": TEXTS, "second_text": second}, outputs(pairs)),
    }


def served_entities(model):
    # First the text with the most entities: alone it is answered in the same shape.
    texts = sorted(TEXTS, key=lambda text: -len(model.tag(text)))
    found = model.tag(texts)
    most = len(found[0])
    assert most > 1

    def column(field, blank):
        rows = [[getattr(entity, field) for entity in row] for row in found]
        return np.array([row + [blank] * (most - len(row)) for row in rows])

    outputs = {name: column(name, "") for name in ("label", "text")}
    outputs |= {name: column(name, 0) for name in ("start", "end", "score")}
    outputs["num_entities"] = np.array([len(row) for row in found])
    return {"tag": ({"text": texts}, outputs)}


CLASSES = {
    "class_names": ("string", (None, len(CLASS_NAMES))),
    "label": ("string", (None,)),
    "probability": ("float32", (None,)),
    "probabilities": ("float32", (None, len(CLASS_NAMES))),
}
TEXT_CLASSIFIER = dict(
    build=text_classifier,
    steepness=3.0,  # one number for each text, not for each token
    batch=text_batch,
    serve=served_classes,
    signatures={
        "classify": ({"text": ("string", (None,))}, CLASSES),
        "classify_pair": (
            {"text": ("string", (None,)), "second_text": ("string", (None,))},
            CLASSES,
        ),
    },
    mean_loss=mean_loss,
    untrained_loss=lambda model: np.log(len(CLASS_NAMES)),
    noise=lambda rng, targets: rng.integers(0, len(CLASS_NAMES), targets.shape).astype("int32"),
)
TOKEN_CLASSIFIER = dict(
    build=token_classifier,
    batch=token_batch,
    serve=served_entities,
    signatures={
        "tag": (
            {"text": ("string", (None,))},
            {
                "num_entities": ("int32", (None,)),
                "label": ("string", (None, None)),
                "text": ("string", (None, None)),
                "start": ("int32", (None, None)),
                "end": ("int32", (None, None)),
                "score": ("float32", (None, None)),
            },
        )
    },
    mean_loss=mean_loss,
    untrained_loss=lambda model: np.log(2 * len(ENTITY_NAMES) + 1),
    noise=lambda rng, targets: rng.integers(0, 7, targets.shape).astype("int32"),
)
