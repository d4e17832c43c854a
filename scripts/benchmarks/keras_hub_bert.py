"""KerasHub's side of the benchmark of BERT."""

import pathlib

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from benchmarks.keras_turns import TurnsOfSteps
from benchmarks.tfzoo_bert import CLASSES, documents


def backbone(shape, dtype):
    keras.utils.set_random_seed(0)
    return keras_hub.models.BertBackbone(
        vocabulary_size=shape["vocabulary_size"],
        num_layers=shape["num_layers"],
        num_heads=shape["num_heads"],
        hidden_dim=shape["hidden_dim"],
        intermediate_dim=4 * shape["hidden_dim"],
        dropout=0.0,
        max_sequence_length=shape["length"],
        dtype=dtype,
    )


def tokenizer(folder):
    path = str(pathlib.Path(folder, "vocab.txt"))
    return keras_hub.tokenizers.BertTokenizer(vocabulary=path, lowercase=True)


def inputs(shape, num_rows):
    rng, rows = np.random.default_rng(0), (num_rows, shape["length"])
    return {
        "token_ids": rng.integers(5, shape["vocabulary_size"], rows, dtype=np.int32),
        "padding_mask": np.ones(rows, bool),
        "segment_ids": np.zeros(rows, np.int32),
    }


def train(turns, shape, dtype, batch_size, steps, num_masked):
    """Full rows, one batch again and again."""
    model = keras_hub.models.BertMaskedLM(backbone(shape, dtype))
    model.compile()
    x = inputs(shape, batch_size)
    x["mask_positions"] = np.tile(np.arange(num_masked, dtype=np.int32), (batch_size, 1))
    targets = x["token_ids"][:, :num_masked]
    batches = tf.data.Dataset.from_tensors((x, targets, np.ones(targets.shape, np.float32)))
    callback = TurnsOfSteps(turns, 3, steps, batch_size * shape["length"])
    model.fit(batches.repeat(), steps_per_epoch=10**9, verbose=0, callbacks=[callback])


def fit_texts(turns, shape, dtype, folder, batch_size, epochs):
    """Whole calls of `fit` on raw strings."""
    preprocessor = keras_hub.models.BertMaskedLMPreprocessor(
        tokenizer(folder), sequence_length=shape["length"]
    )
    model = keras_hub.models.BertMaskedLM(backbone(shape, dtype), preprocessor)
    model.compile()
    texts = documents(folder)
    tokens = epochs * int(np.sum(preprocessor(texts)[0]["padding_mask"]))
    model.fit(texts, batch_size=batch_size, verbose=0)
    turns.ready()
    while True:
        model.fit(texts, batch_size=batch_size, epochs=epochs, verbose=0)
        turns.end(tokens)


def read_rows(turns, shape, dtype, batch_size, batches):
    """`predict` on full rows."""
    model = keras_hub.models.BertTextClassifier(backbone(shape, dtype), len(CLASSES))
    x = inputs(shape, batch_size * batches)
    model.predict(x, batch_size=batch_size, verbose=0)
    turns.ready()
    while True:
        model.predict(x, batch_size=batch_size, verbose=0)
        turns.end(x["token_ids"].size)


def read_texts(turns, shape, dtype, folder, batch_size):
    """`predict` on raw strings of uneven length."""
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(
        tokenizer(folder), sequence_length=shape["length"]
    )
    model = keras_hub.models.BertTextClassifier(
        backbone(shape, dtype), len(CLASSES), preprocessor=preprocessor
    )
    texts = documents(folder)
    tokens = int(np.sum(preprocessor(texts)["padding_mask"]))
    model.predict(texts, batch_size=batch_size, verbose=0)
    turns.ready()
    while True:
        model.predict(texts, batch_size=batch_size, verbose=0)
        turns.end(tokens)
