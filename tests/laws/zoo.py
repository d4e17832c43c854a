"""Every model of the house, small: one entry here and it inherits every law.

Sizes are prime where they can be and all different, so that no axis passes for another.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfzoo.models import MODERN, GPTBackbone, GPTCausalLM
from tfzoo.preprocessing import ByteTokenizer, CausalLMPreprocessor

LENGTH = 11
VOCABULARY_SIZE = 10
TEXTS = ["a bad cab", "", "fed a bee", "deaf", "cafe bead fade", "b", "face a dead cab", "gab"]


def compile_one(model, optimizer, max_gradient_norm=None, **switches):
    """Compiles a task that has one optimizer; `optimizer()` makes it."""
    model.compile(optimizer(), max_gradient_norm=max_gradient_norm, **switches)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model, and what a law has to know of it.

    Args:
        name: of the test.
        build: `(dropout=, dtype=) -> model`, the same weights for the same global seed.
        batch: `(rng, rows) -> (x, targets, weights)`, prepared data with uneven weights.
        serve: `model -> {signature: (inputs, outputs)}`, what the live model makes of inputs of
            three examples, along axis 0 of all that is no scalar. A second case of a signature has
            a word behind its name; "drawn" says that numbers drawn depend on the size of the batch.
        signatures: `{signature: (inputs, outputs)}`, each `{name: (dtype, shape)}`.
        mean_loss: `(model, x, targets, weights) -> scalar`, the objective spelled out in another
            way; None where a step has no single one.
        untrained_loss: `model -> float`, what theory says of a model that knows nothing.
        noise: `(rng, targets) -> targets`, drawn anew: nothing can be learned from them.
        compile: `(model, optimizer, max_gradient_norm=, **switches)`.
        writes: whether it is a causal language model that generates.
    """

    name: str
    build: Callable[..., keras.Model]
    batch: Callable[..., tuple]
    serve: Callable[[keras.Model], dict]
    signatures: dict[str, tuple[dict, dict]]
    mean_loss: Callable[..., Any] | None = None
    untrained_loss: Callable[[keras.Model], float] | None = None
    noise: Callable[..., Any] | None = None
    compile: Callable[..., None] = compile_one
    writes: bool = False


def gpt(dropout=0.0, dtype="float32", **form):
    """One family, in any of its forms: V 10, L 2, H 3, K 6, D 18, F 29."""
    tokenizer = ByteTokenizer(alphabet="abcdefg ")
    backbone = GPTBackbone(
        tokenizer.vocabulary_size,
        num_layers=2,
        num_heads=3,
        hidden_dim=18,
        intermediate_dim=29,
        dropout=dropout,
        max_sequence_length=37,
        dtype=dtype,
        **form,
    )
    return GPTCausalLM(backbone, CausalLMPreprocessor(tokenizer, LENGTH))


def modern_gpt(**arguments):
    """The modern form. Branches that start at zero would hide a missing gradient behind them."""
    return gpt(**{**MODERN, "zero_init": False, **arguments})


def token_batch(rng, rows):
    lengths = rng.integers(1, LENGTH + 1, rows)
    real = np.arange(LENGTH) < lengths[:, None]
    tokens = rng.integers(0, VOCABULARY_SIZE, (rows, LENGTH + 1)).astype("int32")
    x = {"token_ids": tokens[:, :-1] * real, "padding_mask": real}
    return x, tokens[:, 1:] * real, (real * rng.uniform(0.5, 2, real.shape)).astype("float32")


def mean_token_loss(model, x, targets, weights):
    """Weighted mean of the cross-entropy, spelled out with one-hot targets."""
    log_probs = tf.nn.log_softmax(tf.cast(model(x), tf.float32))
    hits = tf.one_hot(targets, log_probs.shape[-1])
    return -tf.reduce_sum(hits * log_probs * weights[..., None]) / tf.reduce_sum(weights)


def served_texts(model):
    texts = ["ab", "", "face a dead"]
    settings = dict(max_new_tokens=np.int32(9), top_p=np.float32(1), seed=np.int32(0))
    greedy = dict(temperature=np.float32(0), top_k=np.int32(0), **settings)
    sampled = dict(
        max_new_tokens=np.int32(9),
        temperature=np.float32(0.8),
        top_k=np.int32(5),
        top_p=np.float32(0.9),
        seed=np.int32(3),
    )
    scores = model.score(texts)
    return {
        "generate": ({"text": texts, **greedy}, {"text": model.generate(texts, 9)}),
        "generate drawn": (
            {"text": texts, **sampled},
            {"text": model.generate(texts, 9, temperature=0.8, top_k=5, top_p=0.9, seed=3)},
        ),
        "score": (
            {"text": texts},
            {
                "log_likelihood": np.array([s.log_likelihoods.sum() for s in scores]),
                "num_tokens": np.array([len(s.tokens) for s in scores]),
            },
        ),
    }


WRITER = dict(
    batch=token_batch,
    serve=served_texts,
    signatures={
        "generate": (
            {
                "text": ("string", (None,)),
                "max_new_tokens": ("int32", ()),
                "temperature": ("float32", ()),
                "top_k": ("int32", ()),
                "top_p": ("float32", ()),
                "seed": ("int32", ()),
            },
            {"text": ("string", (None,))},
        ),
        "score": (
            {"text": ("string", (None,))},
            {
                "log_likelihood": ("float32", (None,)),
                "num_tokens": ("int32", (None,)),
                "token_ids": ("int32", (None, None)),
                "token_log_likelihoods": ("float32", (None, None)),
            },
        ),
    },
    mean_loss=mean_token_loss,
    untrained_loss=lambda model: np.log(VOCABULARY_SIZE),
    noise=lambda rng, targets: rng.integers(0, VOCABULARY_SIZE, targets.shape).astype("int32"),
    writes=True,
)

ZOO = [Entry("gpt", gpt, **WRITER), Entry("modern_gpt", modern_gpt, **WRITER)]


def entries(**wanted):
    """The entries whose fields are true or false as wanted."""
    return [
        entry
        for entry in ZOO
        if all(bool(getattr(entry, field)) == value for field, value in wanted.items())
    ]
