"""What the law of tensor parallelism trains, on one device and on a mesh.

Sizes that two devices share are even, but for GPT's vocabulary: V 9 (GPT) or 20 (BERT), L 1, H 2,
K 6, D 12, F 14.
"""

import pickle
import sys

import keras
import numpy as np

import tfzoo
from tfzoo.models import MODERN, BertBackbone, BertMaskedLM, GPTBackbone, GPTCausalLM
from tfzoo.optimizers import AdamW, WarmupCosine
from tfzoo.preprocessing import (
    ByteTokenizer,
    CausalLMPreprocessor,
    MaskedLMPreprocessor,
    WordPieceTokenizer,
)

TEXTS = ["a bad cab", "fed a bee", "deaf", "cafe bead fade", "b", "face a dead cab", "dab"] * 3
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdef", *(f"##{c}" for c in "abcdef")]
SIZES = dict(num_layers=1, num_heads=2, hidden_dim=12, intermediate_dim=14, max_sequence_length=23)


def gpt(**form):
    """The embedding has an odd number of rows."""
    tokenizer = ByteTokenizer(alphabet="abcdef ")
    backbone = GPTBackbone(tokenizer.vocabulary_size, **{**SIZES, "dropout": 0.1, **form})
    return GPTCausalLM(backbone, CausalLMPreprocessor(tokenizer, 7))


def modern_gpt():
    """The other form of most parts; branches that start at zero would hide what is behind them."""
    return gpt(**{**MODERN, "zero_init": False, "recompute": True, "dropout": 0.0})


def bert():
    """The embedding has an even number of rows: three are never used."""
    preprocessor = MaskedLMPreprocessor(WordPieceTokenizer(PIECES), 7, mask_rate=0.25)
    return BertMaskedLM(BertBackbone(len(PIECES) + 3, dropout=0.0, **SIZES), preprocessor)


def adapted_bert():
    """Learns low-rank updates, and starts with some that do something."""
    model = bert()
    model.backbone.enable_lora(rank=3)
    for update in model.backbone.blocks[0].attention.updates:
        update.b.assign(np.random.default_rng(7).normal(size=update.b.shape).astype("float32"))
    return model


MODELS = {"gpt": gpt, "modern_gpt": modern_gpt, "bert": bert, "adapted_bert": adapted_bert}


def compiled(name):
    """A model whose optimizer decays, and whose gradients are clipped."""
    keras.utils.set_random_seed(5)
    model = MODELS[name]()
    # Adam divides by what may be almost zero: a large epsilon keeps rounding from being amplified.
    optimizer = AdamW(WarmupCosine(0.03), weight_decay=0.3, epsilon=1e-3)
    model.compile(optimizer, max_gradient_norm=0.3, jit_compile=False)
    return model


def variables(model):
    """Path and value of weights, random streams and what the optimizer remembers."""
    return [(v.path, np.array(v.numpy())) for v in [*model.variables, *model.optimizer.variables]]


def trained(name, strategy):
    """`(variables, logs, predictions)` of a model that was fitted to raw texts."""
    with strategy.scope():
        model = compiled(name)
    # The three rows of the validation do not divide: every device then has all of them.
    validation = model.evaluation_batches(TEXTS, None, 3).take(1)
    logs = model.fit(
        TEXTS, batch_size=4, epochs=2, steps_per_epoch=3, validation_data=validation, verbose=0
    ).history
    return variables(model), logs, model.predict(TEXTS[:2], batch_size=2, verbose=0)


if __name__ == "__main__":
    path, data, model = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    tfzoo.distribution.logical_cpus(data * model)
    found = {}
    for name in sys.argv[4:]:
        found[name] = trained(name, tfzoo.distribution.tensor_parallel((data, model)))
    with open(path, "wb") as file:
        pickle.dump(found, file)
