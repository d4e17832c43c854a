"""Every model of the house, small: one entry here and it inherits every law.

Sizes are prime where they can be and all different, so that no axis passes for another.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from tfzoo.models import MODERN, GPTBackbone, GPTCausalLM
from tfzoo.preprocessing import ByteTokenizer, CausalLMPreprocessor

LENGTH = 11
TEXTS = ["a bad cab", "", "fed a bee", "deaf", "cafe bead fade", "b", "face a dead cab", "gab"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """How to make a model; `batch(rng, rows)` gives prepared data with uneven weights."""

    name: str
    build: Callable[..., keras.Model]

    def batch(self, rng, rows):
        vocabulary_size = self.build().backbone.vocabulary_size
        lengths = rng.integers(1, LENGTH + 1, rows)
        real = np.arange(LENGTH) < lengths[:, None]
        tokens = rng.integers(0, vocabulary_size, (rows, LENGTH + 1)).astype("int32")
        x = {"token_ids": tokens[:, :-1] * real, "padding_mask": real}
        return x, tokens[:, 1:] * real, (real * rng.uniform(0.5, 2, real.shape)).astype("float32")


def gpt(dropout=0.0, dtype="float32", **form):
    """One family, in any of its forms: V 11, L 2, H 3, K 6, D 18, F 29."""
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


ZOO = [Entry("gpt", gpt), Entry("modern_gpt", modern_gpt)]
