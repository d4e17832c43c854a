"""tfzoo's side of the benchmark of BERT."""

import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from benchmarks.keras_turns import TurnsOfSteps
from benchmarks.optimizers import optimizer_of
from tfzoo.models import BertBackbone, BertMaskedLM, BertTextClassifier
from tfzoo.preprocessing import (
    MaskedLMPreprocessor,
    TextClassifierPreprocessor,
    WordPieceTokenizer,
)

CLASSES = ("no", "yes")


def backbone(shape, dtype, **form):
    keras.utils.set_random_seed(0)
    size = dict(shape)
    length = size.pop("length")
    return BertBackbone(**size, max_sequence_length=length, dropout=0.0, dtype=dtype, **form)


def train(
    turns,
    shape,
    dtype,
    batch_size,
    steps,
    num_masked,
    optimizer="auto",
    recompute=False,
    **compile_options,
):
    """Full rows, one batch again and again."""
    model = BertMaskedLM(backbone(shape, dtype, recompute=recompute))
    model.compile(optimizer_of(optimizer), **compile_options)
    rng = np.random.default_rng(0)
    rows = (batch_size, shape["length"])
    x = {
        "token_ids": rng.integers(5, shape["vocabulary_size"], rows, dtype=np.int32),
        "padding_mask": np.ones(rows, bool),
        "mask_positions": np.tile(np.arange(num_masked, dtype=np.int32), (batch_size, 1)),
    }
    targets = x["token_ids"][:, :num_masked]
    batches = tf.data.Dataset.from_tensors((x, targets, np.ones(targets.shape, np.float32)))
    callback = TurnsOfSteps(turns, 3, steps, batch_size * shape["length"])
    model.fit(batches.repeat(), steps_per_epoch=10**9, verbose=0, callbacks=[callback])


def fit_texts(turns, shape, dtype, folder, batch_size, epochs):
    """Whole calls of `fit` on raw strings."""
    tokenizer = WordPieceTokenizer.load(folder)
    preprocessor = MaskedLMPreprocessor(tokenizer, shape["length"])
    model = BertMaskedLM(backbone(shape, dtype), preprocessor)
    model.compile()
    texts = documents(folder)
    real = preprocessor.pack(texts)["document_ids"] > 0
    num_steps = len(real) // batch_size
    tokens = epochs * num_steps * batch_size * int(tf.reduce_sum(tf.cast(real, tf.int32)))
    model.fit(texts, batch_size=batch_size, verbose=0)
    turns.ready()
    while True:
        model.fit(texts, batch_size=batch_size, epochs=epochs, verbose=0)
        turns.end(tokens / len(real))


def read_rows(turns, shape, dtype, batch_size, batches):
    """`predict` on full rows."""
    model = BertTextClassifier(backbone(shape, dtype), class_names=CLASSES)
    rows = (batch_size * batches, shape["length"])
    ids = np.random.default_rng(0).integers(5, shape["vocabulary_size"], rows, dtype=np.int32)
    x = {"token_ids": ids, "padding_mask": np.ones(rows, bool)}
    model.predict(x, batch_size=batch_size, verbose=0)
    turns.ready()
    while True:
        model.predict(x, batch_size=batch_size, verbose=0)
        turns.end(ids.size)


def read_texts(turns, shape, dtype, folder, batch_size):
    """`predict` on raw strings of uneven length."""
    preprocessor = TextClassifierPreprocessor(WordPieceTokenizer.load(folder), shape["length"])
    model = BertTextClassifier(backbone(shape, dtype), preprocessor, class_names=CLASSES)
    texts = documents(folder)
    tokens = int(np.sum(preprocessor(texts)["padding_mask"]))
    model.predict(texts, batch_size=batch_size, verbose=0)
    turns.ready()
    while True:
        model.predict(texts, batch_size=batch_size, verbose=0)
        turns.end(tokens)


def documents(folder):
    return json.loads(pathlib.Path(folder, "documents.json").read_text())
