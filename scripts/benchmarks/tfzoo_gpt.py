"""tfzoo's side of the benchmark."""

import json
import pathlib
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf

import tfzoo
from benchmarks.keras_turns import TurnsOfSteps
from benchmarks.optimizers import optimizer_of
from tfzoo.models import GPTBackbone, GPTCausalLM
from tfzoo.preprocessing import BytePairTokenizer, CausalLMPreprocessor

FOR_EVER = 10**9


def build(shape, dtype, folder=None, **form):
    keras.utils.set_random_seed(0)
    size = dict(shape)
    length = size.pop("length")
    backbone = GPTBackbone(**size, max_sequence_length=length, dtype=dtype, **form)
    if folder is None:
        return GPTCausalLM(backbone)
    return GPTCausalLM(backbone, CausalLMPreprocessor(BytePairTokenizer.load(folder), length))


def train(
    turns,
    shape,
    dtype,
    batch_size,
    steps,
    optimizer="auto",
    recompute=False,
    checkpoint_steps=None,
    **compile_options,
):
    """Full rows, one batch again and again; perhaps with a checkpoint now and then."""
    model = build(shape, dtype, recompute=recompute)
    model.compile(optimizer_of(optimizer), **compile_options)
    rows, tokens = full_rows(shape, batch_size), batch_size * shape["length"]
    if checkpoint_steps is None:
        return fit_for_ever(model, rows, turns, steps, tokens)
    with tempfile.TemporaryDirectory() as folder:
        resume = tfzoo.callbacks.Resume(folder, every_n_steps=checkpoint_steps)
        fit_for_ever(model, rows, turns, steps, tokens, resume)


def full_rows(shape, batch_size):
    """One batch, again and again."""
    ids = np.random.default_rng(0).integers(
        shape["vocabulary_size"], size=(batch_size, shape["length"] + 1), dtype=np.int32
    )
    return tf.data.Dataset.from_tensors(({"token_ids": ids[:, :-1]}, ids[:, 1:])).repeat()


def layout(turns, shape, dtype, folder, batch_size, packed, steps):
    """Rows of several documents, or of one each."""
    model = build(shape, dtype, folder)
    model.compile()
    texts = json.loads(pathlib.Path(folder, "documents.json").read_text())
    prepare = model.preprocessor.pack if packed else model.preprocessor
    x, targets, weights = tf.nest.map_structure(lambda t: t.numpy(), prepare(texts))
    rows = tfzoo.data.shuffled_batches((x, targets, weights), batch_size)
    fit_for_ever(model, rows, turns, steps, batch_size * float(weights.sum()) / len(weights))


def fit_for_ever(model, rows, turns, steps, tokens, *callbacks):
    # The schedule of "auto" wants to know the length of the run; how long does not matter.
    model.fit(
        rows,
        steps_per_epoch=FOR_EVER,
        verbose=0,
        callbacks=[*callbacks, TurnsOfSteps(turns, warm_up=3, steps=steps, tokens=tokens)],
    )


def fit_texts(turns, shape, dtype, folder, batch_size, epochs):
    """Whole calls of `fit` on raw strings."""
    model = build(shape, dtype, folder)
    model.compile()
    texts = json.loads(pathlib.Path(folder, "documents.json").read_text())
    _, _, weights = model.preprocessor.pack(texts)
    num_steps = len(weights) // batch_size
    tokens = epochs * num_steps * batch_size * float(tf.reduce_mean(tf.reduce_sum(weights, 1)))
    model.fit(texts, batch_size=batch_size, verbose=0)
    turns.ready()
    while True:
        model.fit(texts, batch_size=batch_size, epochs=epochs, verbose=0)
        turns.end(tokens)


def build_writer(shape, dtype, folder):
    """A model that never writes the end token: its logit is 0, and of many others one is higher."""
    model = build(shape, dtype, folder)
    table = model.backbone.token_embedding.embeddings
    keep = np.ones([shape["vocabulary_size"], 1], np.float32)
    keep[model.preprocessor.tokenizer.end_token_id] = 0
    table.assign(table * keep)
    return model


def generate(turns, shape, dtype, folder, batch_size, new_tokens):
    """`generate`, greedy, without a stop token."""
    model = build(shape, dtype, folder)
    prompts = json.loads(pathlib.Path(folder, "prompts.json").read_text())[:batch_size]

    def write():
        _, log_probs = model.generate(
            prompts, max_new_tokens=new_tokens, stop_token_ids=[], return_log_probs=True
        )
        return sum(map(len, log_probs))

    start = time.perf_counter()
    assert write() == batch_size * new_tokens
    turns.ready(first_call=time.perf_counter() - start)
    while True:
        turns.end(write())


def export(turns, shape, dtype, folder, target):
    """Writes the same model as a SavedModel."""
    tfzoo.export(build_writer(shape, dtype, folder), target)
    turns.ready()
