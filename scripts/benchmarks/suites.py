"""Who runs against whom, at what. A suite yields heats; its docstring says what is timed."""

import importlib.util
import math
import os

from benchmarks.bert_suites import BASE as BERT_BASE
from benchmarks.bert_suites import MASK_RATE, bert_raw_text, bert_read, bert_train
from benchmarks.bert_suites import SMALL as BERT_SMALL
from benchmarks.heat import Contestant, Heat, apart
from benchmarks.shapes import (
    MINI,
    MINI_TEXT,
    NANO,
    SMALL,
    TINY,
    gan_operations,
    name,
    training_operations,
    writing_bytes,
)

PROMPT_LENGTH, NEW_TOKENS = 32, 128
# The policy that trains in a precision: float32 weights, products in that precision.
POLICY = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def raw_text(folder, log, quick):
    """Whole calls of `fit(texts, epochs=3)`, with tokenizing and pauses, after one to warm up."""
    shape = TINY if quick else MINI_TEXT
    facts = write_corpus(folder, log, shape, num_documents=32 if quick else 128)
    settings = dict(shape=shape, folder=folder, batch_size=16, epochs=3)
    demands = {precision: (precision, training_operations(shape)) for precision in POLICY}

    def row(peer, precision, *against, **options):
        module = "tfzoo_gpt" if peer == "tfzoo" else "keras_hub_gpt"
        function, demand = f"{module}:fit_texts", demands[precision]
        options = {**settings, "dtype": POLICY[precision], **options}
        against = {rival: f"{rival} {precision}" for rival in against}
        if peer == "tfzoo" and precision != "float32":
            against["KerasHub float32"] = "KerasHub float32"
        return Contestant(f"{peer} {precision}", function, options, against, demand)

    prepared = "KerasHub, tokenized before,"
    rows = [row("KerasHub", precision) for precision in POLICY]
    rows += [row(prepared, precision, "KerasHub", prepared=True) for precision in POLICY]
    rows += [row("tfzoo", precision, "KerasHub", prepared) for precision in POLICY]
    yield Heat(f"{name(shape)}, batches of 16 x {shape['length']}, {facts['lengths']}", rows)


def train(folder, log, quick):
    """Full rows, from the end of one batch to the end of a later one; one batch again and again."""
    sizes = [(NANO, 12, 50), (MINI, 16, 2), (SMALL, 2, 2)]
    for shape, batch_size, steps in [(TINY, 4, 5)] if quick else sizes:
        rows = f"{batch_size} x {shape['length']}, vocabulary {shape['vocabulary_size']}"
        for precision in POLICY:
            contestants = list(trainers(shape, batch_size, steps, precision))
            yield Heat(f"{name(shape)}, batches of {rows}, {precision}", contestants)


def trainers(shape, batch_size, steps, precision):
    settings = dict(shape=shape, batch_size=batch_size, steps=steps)
    theirs, ours = {"KerasHub": f"KerasHub {precision}"}, {"tfzoo float32": "tfzoo float32"}

    def row(peer, module, against=None, precision=precision, **options):
        return Contestant(
            " ".join([peer, precision, *(["XLA"] if options.get("jit_compile") is True else [])]),
            f"{module}:train",
            {**settings, "dtype": POLICY[precision], **options},
            against or {},
            (precision, training_operations(shape)),
        )

    yield row("KerasHub", "keras_hub_gpt")
    if precision == "float32":
        yield row("tfzoo", "tfzoo_gpt", theirs)
        yield row("KerasHub", "keras_hub_gpt", theirs, jit_compile=True)
        both = {**theirs, "KerasHub XLA": f"{theirs['KerasHub']} XLA"}
        yield row("tfzoo", "tfzoo_gpt", both, jit_compile=True)
    else:
        yield row("tfzoo", "tfzoo_gpt", precision="float32")
        yield row("tfzoo", "tfzoo_gpt", {**theirs, **ours})
    if installed("torch"):
        yield row("torch", "torch_gpt", theirs)


def generate(folder, log, quick):
    """Prompts of 32 tokens, 128 new ones, greedy, strings to strings (transformers: ids to ids)."""
    shape = TINY if quick else SMALL
    write_corpus(folder, log, shape, num_documents=8)
    for precision in POLICY:
        target = os.path.join(folder, precision)
        settings = dict(shape=shape, dtype=precision, folder=folder, target=target)
        apart("tfzoo_gpt:export", settings, log)
    for batch_size in (1, 8):
        rows = [row for p in POLICY for row in writers(shape, folder, batch_size, p)]
        yield Heat(f"{name(shape)}, batch {batch_size}", rows, starts=1 if quick else 3)


def writers(shape, folder, batch_size, precision):
    room = shape["length"] - PROMPT_LENGTH
    size = dict(batch_size=batch_size, new_tokens=min(NEW_TOKENS, room))
    plain = {} if precision == "float32" else {"KerasHub float32": "KerasHub float32"}
    theirs = {"KerasHub": f"KerasHub {precision}", **plain}

    def row(peer, function, against, **settings):
        demand = ("bandwidth", writing_bytes(shape, precision, batch_size))
        return Contestant(f"{peer} {precision}", function, {**size, **settings}, against, demand)

    live = dict(shape=shape, folder=folder)
    yield row("KerasHub", "keras_hub_gpt:generate", plain, dtype=precision, **live)
    yield row("tfzoo", "tfzoo_gpt:generate", theirs, dtype=precision, **live)
    target = os.path.join(folder, precision)
    both = {**theirs, "tfzoo live": f"tfzoo {precision}"}
    yield row("SavedModel", "saved_model:generate", both, folder=folder, target=target)
    if installed("torch") and installed("transformers"):
        prompt = dict(shape=shape, prompt_length=PROMPT_LENGTH)
        yield row("transformers", "torch_gpt:generate", theirs, dtype=precision, **prompt)


def packing(folder, log, quick):
    """tfzoo alone: documents packed into rows, or one in each; batch end to batch end."""
    shape = TINY if quick else MINI_TEXT
    facts = write_corpus(folder, log, shape, num_documents=512)
    settings = dict(shape=shape, dtype="float32", folder=folder, batch_size=16, steps=2)
    demand = ("float32", training_operations(shape))

    def row(title, packed, against):
        options = {**settings, "packed": packed}
        return Contestant(title, "tfzoo_gpt:layout", options, against, demand)

    alone = "one document per row"
    rows = [row(alone, False, {}), row("packed", True, {alone: alone})]
    yield Heat(f"{name(shape)}, batches of 16 x {shape['length']}, {facts['lengths']}", rows)


def memory(folder, log, quick):
    """tfzoo alone: what a choice costs in memory and time; batch end to batch end, full rows."""
    activations = {
        "recompute": dict(recompute=True),
        "gradient_accumulation=4": dict(gradient_accumulation=4),
        "mixed_bfloat16": dict(dtype="mixed_bfloat16"),
    }
    optimizers = {n: dict(optimizer=n) for n in ("Adafactor", "Lion", "Muon", "SGD")}
    # Many rows of a small network for activations, few of a large one for what optimizers keep: all
    # contestants are in memory at the same time.
    heats = [
        ("gpt", MINI_TEXT, 16, "activations", activations),
        ("gpt", SMALL, 2, "optimizers", optimizers),
        ("bert", BERT_SMALL, 32, "activations", activations),
        ("bert", BERT_BASE, 4, "optimizers", optimizers),
    ]
    for family, shape, batch_size, what, choices in heats:
        shape, batch_size = (TINY, 4) if quick else (shape, batch_size)
        settings = dict(shape=shape, batch_size=batch_size, steps=1, dtype="float32")
        if family == "bert":
            settings["num_masked"] = math.ceil(MASK_RATE * shape["length"])
        rows = f"{family.upper()} {name(shape)}, batches of {batch_size} x {shape['length']}"
        yield Heat(f"{rows}: {what}", list(choosers(f"tfzoo_{family}:train", settings, choices)))


def choosers(function, settings, choices):
    plain, demand = "AdamW, float32", ("float32", training_operations(settings["shape"]))
    yield Contestant(plain, function, settings, {}, demand)
    for title, options in choices.items():
        yield Contestant(title, function, {**settings, **options}, {plain: plain}, demand)


def overhead(folder, log, quick):
    """What `train_step` and `Resume` cost beside the shortest step on the same network."""
    every = 5 if quick else 100
    sizes = [(NANO, 12, every, every), (MINI, 16, 2, None)]
    for shape, batch_size, steps, checkpoint_steps in [(TINY, 4, 5, 5)] if quick else sizes:
        settings = dict(shape=shape, dtype="float32", batch_size=batch_size, steps=steps)
        demand = ("float32", training_operations(shape))

        def row(title, function, *against, settings=settings, demand=demand, **options):
            rivals = {rival: rival for rival in against}
            return Contestant(title, function, {**settings, **options}, rivals, demand)

        rows = [
            row("Keras alone", "bare_keras:train"),
            row("tfzoo", "tfzoo_gpt:train", "Keras alone", optimizer="AdamW"),
        ]
        if checkpoint_steps:
            title = f"tfzoo, a checkpoint every {checkpoint_steps} steps"
            options = dict(optimizer="AdamW", checkpoint_steps=checkpoint_steps)
            rows.append(row(title, "tfzoo_gpt:train", "tfzoo", **options))
        yield Heat(f"{name(shape)}, batches of {batch_size} x {shape['length']}", rows)


def gan(folder, log, quick):
    """DCGAN, alternating updates, from the end of one step to the end of a later one."""
    base_dim, batch_size, steps = (8, 8, 5) if quick else (64, 128, 5)
    check = dict(base_dim=8, batch_size=16, steps=20 if quick else 200)
    apart_by = apart("gan:agreement", check, log)
    settings = dict(base_dim=base_dim, batch_size=batch_size, steps=steps)
    rows = [row for precision in POLICY for row in players(precision, settings)]
    yield Heat(
        f"DCGAN 28x28, {base_dim} channels, batches of {batch_size}; losses of {apart_by['steps']} "
        f"steps in float32, from the same weights and noise, differ from those of the two tapes "
        f"by {apart_by['largest']:.1e} of their size at most, in the first step by "
        f"{apart_by['first']:.1e}",
        rows,
        unit="images",
    )


def players(precision, settings):
    theirs, ours = "Keras, two tapes,", {"tfzoo float32": "tfzoo float32"}
    demand = (precision, gan_operations(settings["base_dim"]))

    def row(title, function, against, **options):
        options = {**settings, "dtype": POLICY[precision], **options}
        return Contestant(f"{title} {precision}", function, options, against, demand)

    against = {theirs: f"{theirs} {precision}"}
    yield row(theirs, "gan:train", {}, peer="keras")
    if installed("torch"):
        yield row("torch", "torch_gan:train", against)
        against = against | {"torch": f"torch {precision}"}
    if precision != "float32":
        against = against | ours | {f"{theirs} float32": f"{theirs} float32"}
    yield row("tfzoo", "gan:train", against, peer="tfzoo")


def write_corpus(folder, log, shape, num_documents):
    settings = dict(
        folder=folder,
        vocabulary_size=shape["vocabulary_size"],
        num_documents=num_documents,
        length=shape["length"],
        prompt_length=PROMPT_LENGTH,
        num_prompts=8,
    )
    return apart("corpus:write", settings, log)


def installed(package):
    return importlib.util.find_spec(package) is not None


SUITES = {
    "raw-text": raw_text,
    "train": train,
    "generate": generate,
    "packing": packing,
    "memory": memory,
    "overhead": overhead,
    "bert-raw-text": bert_raw_text,
    "bert-train": bert_train,
    "bert-read": bert_read,
    "gan": gan,
}
