"""Trains GPT on one long text by a recipe and scores it: every quality number of the README.

    python scripts/train_gpt.py --data tiny_shakespeare --data-dir DIR --recipe nanogpt-cpu

The text is cut 90/10, as nanoGPT cuts it. The score is the mean negative log-likelihood in nats
per character over one full pass of non-overlapping windows of the last tenth. Choose by `--tune`
instead: it trains on the first 95 % of the training part and scores the rest of it.
"""

import argparse
import json
import math
import os
import statistics
import time

import keras

import tfzoo
from tfzoo.models import GPTBackbone, GPTCausalLM
from tfzoo.optimizers import AdamW, MuonAdamW, WarmupStableDecay

# What a recipe and `--set` may change.
DEFAULTS = dict(
    num_layers=4,
    num_heads=4,
    hidden_dim=128,
    length=64,
    batch_size=12,
    steps=2000,
    dropout=0.0,
    muon_lr=0.02,
    adam_lr=3e-3,  # of AdamW alone
    adam_lr_ratio=0.2,  # of AdamW beside Muon
    weight_decay=0.01,
    decay_fraction=1.0,  # the part of the run after the warm-up in which the rates fall
)
# Steps are fixed, not minutes, so that a recipe gives the same numbers on every machine. The names
# are rough: `hour` takes 105 minutes on two CPU cores without AVX-512.
RECIPES = {
    "nanogpt-cpu": {},
    "ten-minutes": dict(num_heads=6, hidden_dim=192, length=128, batch_size=16, steps=2600),
    "hour": dict(
        num_layers=6,
        hidden_dim=256,
        length=256,
        batch_size=16,
        steps=2600,
        dropout=0.2,  # it reads every character ten times
    ),
}
# What `--without` takes out, one choice at a time: the modern form's, and the optimizer's. GPT-2's
# own GELU is one of them: ReLU², which is cheaper, is worse here.
CHOICES = {
    "rotary": dict(rotary=False),
    "rms_norm": dict(rms_norm=False),
    "normalize_queries_and_keys": dict(normalize_queries_and_keys=False),
    "gelu": dict(activation=tfzoo.layers.relu_squared),
    "zero_init": dict(zero_init=False),
    "untied_head": dict(tie_embeddings=True),
    "logit_soft_cap": dict(logit_soft_cap=None),
    "muon": {},
}


def main():
    arguments = parse()
    train, held_out = load(arguments.data, arguments.data_dir, arguments.tune)
    scores = [run(arguments, train, held_out, seed) for seed in arguments.seeds]
    spread = statistics.stdev(scores) if len(scores) > 1 else float("nan")
    print(f"{arguments.recipe}: {statistics.mean(scores):.4f} ± {spread:.4f} nats per character")


def load(data, data_dir, tune):
    """What is trained on and what is scored, two strings."""
    source = source_of(data, data_dir)
    corpus = tfzoo.data.load_corpus(source, validation=0.1, test=0.0, data_dir=data_dir)
    train, held_out = "".join(corpus.train), "".join(corpus.validation + corpus.test)
    if tune:
        cut = int(0.95 * len(train))
        train, held_out = train[:cut], train[cut:]
    return train, held_out


def source_of(data, data_dir):
    """The source of `--data`: the bare name of a dataset that lies in `data_dir` will do."""
    if not data_dir or os.path.isabs(data) or not os.path.isdir(os.path.join(data_dir, data)):
        return data
    return f"tfds:{data}"


def run(arguments, train, held_out, seed):
    """Trains one model and returns its score."""
    recipe = {**DEFAULTS, **RECIPES[arguments.recipe], **json.loads(arguments.set)}
    unknown = sorted(recipe.keys() - DEFAULTS.keys())
    if unknown:
        raise SystemExit(f"--set knows {', '.join(DEFAULTS)}; received {unknown[0]!r}.")
    tokenizer = tfzoo.preprocessing.ByteTokenizer.from_texts([train])
    keras.utils.set_random_seed(seed)
    model = build(recipe, tokenizer, arguments.without, arguments.dtype)
    steps_per_epoch = max(1, recipe["steps"] // 10)
    model.compile(
        optimizer(recipe, arguments.without),
        loss=tfzoo.losses.TokenLoss(),
        jit_compile=arguments.dtype == "float32",  # XLA has no fast bfloat16 product on CPUs
        steps_per_execution=math.gcd(10, steps_per_epoch),
    )
    windows = tfzoo.data.random_windows(
        tokenizer.tokenize(train).numpy(), recipe["length"], recipe["batch_size"], seed=seed
    )
    started = time.perf_counter()
    model.fit(
        windows,
        steps_per_epoch=steps_per_epoch,
        epochs=10,
        verbose=2 if arguments.verbose else 0,
    )
    minutes = (time.perf_counter() - started) / 60
    # A byte that is not in the training part would cost nothing: it must not occur.
    score = model.evaluate([held_out], batch_size=64, return_dict=True, verbose=0)["loss"]
    steps = int(model.optimizer.iterations)
    print(
        f"seed {seed}: {score:.4f} nats per character, {model.count_params():,} parameters, "
        f"{steps} steps of {recipe['batch_size']} x {recipe['length']}, {minutes:.1f} minutes",
        flush=True,
    )
    if arguments.output:
        model.save_to_preset(os.path.join(arguments.output, f"{arguments.recipe}-{seed}"))
    return score


def build(recipe, tokenizer, without, dtype):
    """The modern form of GPT in the size of the recipe, less the choices taken out."""
    form = dict(tfzoo.models.MODERN)
    for choice in without:
        form.update(CHOICES[choice])
    backbone = GPTBackbone(
        tokenizer.vocabulary_size,
        recipe["num_layers"],
        recipe["num_heads"],
        recipe["hidden_dim"],
        dropout=recipe["dropout"],
        max_sequence_length=recipe["length"],
        dtype=dtype,
        **form,
    )
    return GPTCausalLM(
        backbone, tfzoo.preprocessing.CausalLMPreprocessor(tokenizer, recipe["length"])
    )


def optimizer(recipe, without):
    """Muon on matrices and AdamW on the rest, or AdamW alone."""
    shape = dict(warmup_fraction=0.01, decay_fraction=recipe["decay_fraction"])
    if "muon" in without:
        rate = WarmupStableDecay(recipe["adam_lr"], **shape)
        return AdamW(rate, weight_decay=recipe["weight_decay"])
    return MuonAdamW(
        WarmupStableDecay(recipe["muon_lr"], **shape),
        adam_lr_ratio=recipe["adam_lr_ratio"],
        weight_decay=recipe["weight_decay"],
        compute_dtype="float32",
    )


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        default="tfds:tiny_shakespeare",
        help="see tfzoo.data.load_texts; with --data-dir the name of a TFDS dataset will do",
    )
    parser.add_argument("--data-dir", help="folder of prepared TFDS datasets")
    parser.add_argument("--recipe", choices=RECIPES, default="nanogpt-cpu")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--without", nargs="*", choices=CHOICES, default=[])
    parser.add_argument("--dtype", choices=["float32", "mixed_bfloat16"], default="float32")
    parser.add_argument("--set", default="{}", help="JSON that changes the recipe")
    parser.add_argument("--tune", action="store_true", help="never look at the last tenth")
    parser.add_argument("--output", help="folder to save presets in")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
