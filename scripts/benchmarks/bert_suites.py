"""BERT's suites: against KerasHub's masked language model and its classifier."""

import math

from benchmarks.heat import Contestant, Heat, apart
from benchmarks.shapes import TINY, name, training_operations

# Devlin et al. 2019 and Turc et al. 2019, with BERT's vocabulary and rows of 128 tokens.
SMALL = dict(vocabulary_size=30522, num_layers=4, num_heads=8, hidden_dim=512, length=128)
BASE = dict(vocabulary_size=30522, num_layers=12, num_heads=12, hidden_dim=768, length=128)
# For raw texts: a vocabulary that suits a corpus of some megabytes.
SMALL_TEXT = {**SMALL, "vocabulary_size": 8192, "length": 256}
POLICY = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
MASK_RATE = 0.15


def bert_raw_text(folder, log, quick):
    """Whole calls of `BertMaskedLM.fit(texts, epochs=3)` on docstrings, after one to warm up."""
    shape = TINY if quick else SMALL_TEXT
    facts = write_docstrings(
        folder, log, shape, num_documents=32 if quick else 256, paragraphs=False
    )
    settings = dict(shape=shape, folder=folder, batch_size=16, epochs=3)
    yield Heat(f"{name(shape)}, {facts['lengths']}", list(pairs("fit_texts", settings, 3)))


def bert_train(folder, log, quick):
    """Full rows of a masked language model, from the end of one batch to that of a later one."""
    for shape, batch_size in [(TINY, 4)] if quick else [(SMALL, 16), (BASE, 8)]:
        settings = dict(shape=shape, batch_size=batch_size, steps=2)
        settings["num_masked"] = math.ceil(MASK_RATE * shape["length"])
        title = f"{name(shape)}, batches of {batch_size} x {shape['length']}"
        yield Heat(title, list(pairs("train", settings, 3)))


def bert_read(folder, log, quick):
    """`BertTextClassifier.predict`: full rows, and paragraphs of uneven length."""
    shape = TINY if quick else BASE
    facts = write_docstrings(folder, log, shape, num_documents=64, paragraphs=True)
    settings = dict(shape=shape, batch_size=8)
    title = f"{name(shape)}, batches of 8 x {shape['length']}"
    yield Heat(title, list(pairs("read_rows", {**settings, "batches": 2}, 1)))
    title = f"{name(shape)}, batches of 8, {facts['lengths']}"
    yield Heat(title, list(pairs("read_texts", {**settings, "folder": folder}, 1)))


def pairs(function, settings, passes):
    """Both libraries in both precisions; a backward pass is as much work as two forward ones."""
    work = training_operations(settings["shape"]) * passes / 3
    for precision, policy in POLICY.items():
        options, demand = {**settings, "dtype": policy}, (precision, work)
        theirs = f"KerasHub {precision}"
        yield Contestant(theirs, f"keras_hub_bert:{function}", options, {}, demand)
        against = {"KerasHub": theirs}
        if precision != "float32":
            against |= {rival: rival for rival in ("KerasHub float32", "tfzoo float32")}
        yield Contestant(f"tfzoo {precision}", f"tfzoo_bert:{function}", options, against, demand)


def write_docstrings(folder, log, shape, **choices):
    settings = dict(
        folder=folder,
        vocabulary_size=shape["vocabulary_size"],
        length=shape["length"],
        **choices,
    )
    return apart("corpus:write_docstrings", settings, log)
