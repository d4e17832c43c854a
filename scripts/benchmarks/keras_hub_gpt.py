"""KerasHub's side of the benchmark."""

import json
import pathlib
import time

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from benchmarks.keras_turns import TurnsOfSteps


def build(shape, dtype, folder=None):
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=shape["vocabulary_size"],
        num_layers=shape["num_layers"],
        num_heads=shape["num_heads"],
        hidden_dim=shape["hidden_dim"],
        intermediate_dim=4 * shape["hidden_dim"],
        dropout=0.0,  # as in tfzoo: the same work
        max_sequence_length=shape["length"],
        dtype=dtype,
    )
    if folder is None:
        return keras_hub.models.GPT2CausalLM(backbone)
    tokenizer = keras_hub.tokenizers.GPT2Tokenizer(
        vocabulary=str(pathlib.Path(folder, "vocab.json")),
        merges=str(pathlib.Path(folder, "merges.txt")),
    )
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(
        tokenizer, sequence_length=shape["length"]
    )
    return keras_hub.models.GPT2CausalLM(backbone, preprocessor)


def train(turns, shape, dtype, batch_size, steps, jit_compile="auto"):
    """Full rows, one batch again and again."""
    model = build(shape, dtype)
    model.compile(jit_compile=jit_compile)
    ids = np.random.default_rng(0).integers(
        shape["vocabulary_size"], size=(batch_size, shape["length"] + 1), dtype=np.int32
    )
    x = {"token_ids": ids[:, :-1], "padding_mask": np.ones_like(ids[:, 1:])}
    rows = tf.data.Dataset.from_tensors((x, ids[:, 1:])).repeat()
    callback = TurnsOfSteps(turns, 3, steps, batch_size * shape["length"])
    model.fit(rows, steps_per_epoch=10**9, verbose=0, callbacks=[callback])


def fit_texts(turns, shape, dtype, folder, batch_size, epochs, prepared=False):
    """Whole calls of `fit` on raw strings; or on their rows, made before the clock runs."""
    model = build(shape, dtype, folder)
    model.compile()
    texts = json.loads(pathlib.Path(folder, "documents.json").read_text())
    rows = model.preprocessor(texts)
    tokens = epochs * int(np.sum(rows[2]))
    data = dict(x=texts, batch_size=batch_size)
    if prepared:
        model.preprocessor = None
        data = dict(x=tf.data.Dataset.from_tensor_slices(rows).batch(batch_size))
    model.fit(**data, verbose=0)
    turns.ready()
    while True:
        model.fit(**data, epochs=epochs, verbose=0)
        turns.end(tokens)


def generate(turns, shape, dtype, folder, batch_size, new_tokens, jit_compile="auto"):
    """`generate`, greedy, without a stop token."""
    model = build(shape, dtype, folder)
    model.compile(sampler="greedy", jit_compile=jit_compile)
    prompts = json.loads(pathlib.Path(folder, "prompts.json").read_text())
    length = prompts_length(model, prompts) + new_tokens

    def write():
        model.generate(prompts[:batch_size], max_length=length, stop_token_ids=None)

    start = time.perf_counter()
    write()
    turns.ready(first_call=time.perf_counter() - start)
    while True:
        write()
        turns.end(batch_size * new_tokens)


def prompts_length(model, prompts):
    """The number of tokens that all prompts have, the start token included."""
    masks = model.preprocessor.generate_preprocess(prompts)["padding_mask"]
    (length,) = set(np.sum(masks, axis=1).tolist())
    return length
