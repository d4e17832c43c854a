"""Every model of the house, small: one entry here and it inherits every law.

Sizes are prime where they can be and all different, so that no axis passes for another.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.laws.bert_classifiers import TEXT_CLASSIFIER, TOKEN_CLASSIFIER
from tests.laws.bert_readers import QUESTION_ANSWERER, TEXT_EMBEDDER
from tfzoo.losses import R1, R2, GradientPenalty, Relativistic, Wasserstein
from tfzoo.models import (
    GAN,
    MODERN,
    BertBackbone,
    BertMaskedLM,
    DCGANDiscriminator,
    DCGANGenerator,
    GPTBackbone,
    GPTCausalLM,
    MLPDiscriminator,
    MLPGenerator,
)
from tfzoo.preprocessing import (
    ByteTokenizer,
    CausalLMPreprocessor,
    MaskedLMPreprocessor,
    WordPieceTokenizer,
)

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
        batch: `(rng, rows) -> (x, targets, weights)`, prepared data with uneven weights; for
            a GAN samples and labels.
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
        inputs: `(rng, rows) -> x`, what `call` takes where that is not the x of a batch.
        drops: whether `call` has dropout.
        steepness: by how much more than other models one step magnifies rounding, because few
            numbers are averaged in its loss.
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
    inputs: Callable[..., Any] | None = None
    drops: bool = True
    steepness: float = 1.0

    def call_inputs(self, rng, rows):
        return self.inputs(rng, rows) if self.inputs else self.batch(rng, rows)[0]


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
    drawn = dict(temperature=0.8, top_k=5, top_p=0.9, seed=3)
    return {
        "generate": ({"text": texts, **greedy}, written(model, texts, 9)),
        "generate drawn": ({"text": texts, **sampled}, written(model, texts, 9, **drawn)),
        "score": (
            {"text": texts},
            {
                "log_likelihood": np.array([s.log_likelihoods.sum() for s in scores]),
                "num_tokens": np.array([len(s.tokens) for s in scores]),
            },
        ),
    }


def written(model, prompts, limit, **settings):
    """Texts and their tokens: a letter is one; a start token is read, a stop token not counted."""
    texts, log_probs = model.generate(prompts, limit, return_log_probs=True, **settings)
    _, longer = model.generate(prompts, limit + 1, return_log_probs=True, **settings)
    num_new = np.array([len(row) for row in log_probs])
    # Who has ended, if only with the last token, does not go on where there is room for more.
    finished = num_new == [len(row) for row in longer]
    return {
        "text": texts,
        "finished": finished,
        "num_prompt_tokens": np.array([1 + len(prompt) for prompt in prompts]),
        "num_new_tokens": num_new - finished,
    }


# What a client carries from one piece of a text to the next.
STATE = {
    "token_ids": ("int32", (None, None)),
    "written": ("bool", (None, None)),
    "finished": ("bool", (None,)),
    "index": ("int32", ()),
    "keys": ("float32", (None, 2, 3, None, 6)),
    "values": ("float32", (None, 2, 3, None, 6)),
    "padding_mask": ("bool", (None, None)),
    "pending": ("string", (None,)),
    "remaining": ("int32", ()),
    "num_prompt_tokens": ("int32", (None,)),
    "temperature": ("float32", ()),
    "top_k": ("int32", ()),
    "top_p": ("float32", ()),
    "seed": ("int32", ()),
}
SETTINGS = {
    "text": ("string", (None,)),
    "max_new_tokens": ("int32", ()),
    **{name: STATE[name] for name in ("temperature", "top_k", "top_p", "seed")},
}
COUNTS = {name: ("int32", (None,)) for name in ("num_prompt_tokens", "num_new_tokens")}
PIECE = {"new_text": ("string", (None,)), **COUNTS, **STATE}
WHOLE = {"text": ("string", (None,)), "finished": ("bool", (None,)), **COUNTS}

WRITER = dict(
    batch=token_batch,
    serve=served_texts,
    signatures={
        "generate": (SETTINGS, WHOLE),
        "score": (
            {"text": ("string", (None,))},
            {
                "log_likelihood": ("float32", (None,)),
                "num_tokens": ("int32", (None,)),
                "token_ids": ("int32", (None, None)),
                "token_log_likelihoods": ("float32", (None, None)),
            },
        ),
        "generate_start": (SETTINGS, PIECE),
        "generate_continue": (STATE, PIECE),
    },
    mean_loss=mean_token_loss,
    untrained_loss=lambda model: np.log(VOCABULARY_SIZE),
    noise=lambda rng, targets: rng.integers(0, VOCABULARY_SIZE, targets.shape).astype("int32"),
    writes=True,
)

# BERT reads the same texts with 19 pieces, and guesses up to 7 of 11 tokens.
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefg", *(f"##{c}" for c in "abcdefg")]
NUM_MASKED = 7


def bert_backbone(dropout, dtype):
    """V 19, L 2, H 3, K 6, D 18, F 29."""
    return BertBackbone(
        len(PIECES), 2, 3, 18, 29, dropout=dropout, max_sequence_length=37, dtype=dtype
    )


def masked_bert(dropout=0.0, dtype="float32"):
    """Guesses single tokens."""
    preprocessor = MaskedLMPreprocessor(WordPieceTokenizer(PIECES), LENGTH, mask_rate=0.25)
    return BertMaskedLM(bert_backbone(dropout, dtype), preprocessor)


def mask_batch(rng, rows):
    lengths = rng.integers(NUM_MASKED, LENGTH + 1, rows)
    real = np.arange(LENGTH) < lengths[:, None]
    positions = np.stack([rng.permutation(length)[:NUM_MASKED] for length in lengths])
    x = {
        "token_ids": (rng.integers(0, len(PIECES), (rows, LENGTH)) * real).astype("int32"),
        "padding_mask": real,
        "mask_positions": positions.astype("int32"),
    }
    # Some rows have many tokens to guess, some few.
    weights = rng.uniform(0.5, 2, positions.shape) * (rng.uniform(size=positions.shape) < 0.6)
    return x, mask_targets(rng, positions), weights.astype("float32")


def mask_targets(rng, targets):
    return rng.integers(0, len(PIECES), targets.shape).astype("int32")


def served_guesses(model):
    texts = ["[MASK] bad [MASK]", "fa[MASK]e", "a"]
    filled = model.fill_mask(texts[:1], top_k=5) + [[model.fill_mask(texts[1], top_k=5)]]
    tokens, probabilities = np.full((3, 2, 5), "", object), np.zeros((3, 2, 5))
    for row, masks in enumerate(filled):
        for number, mask in enumerate(masks):
            tokens[row, number] = [one.token for one in mask]
            probabilities[row, number] = [one.probability for one in mask]
    scores = model.score(texts)
    return {
        "fill_mask": (
            {"text": texts, "top_k": np.int32(5)},
            {
                "tokens": tokens.astype(str),
                "probabilities": probabilities,
                "count": np.array([2, 1, 0]),
            },
        ),
        "score": (
            {"text": texts},
            {
                "log_likelihood": np.array([s.log_likelihoods.sum() for s in scores]),
                "num_tokens": np.array([len(s.tokens) for s in scores]),
            },
        ),
    }


GUESSER = dict(
    steepness=1.5,  # a few numbers for each row, not one for each token
    batch=mask_batch,
    serve=served_guesses,
    signatures={
        "fill_mask": (
            {"text": ("string", (None,)), "top_k": ("int32", ())},
            {
                "tokens": ("string", (None, None, None)),
                "probabilities": ("float32", (None, None, None)),
                "count": ("int32", (None,)),
            },
        ),
        "score": WRITER["signatures"]["score"],
    },
    mean_loss=mean_token_loss,
    untrained_loss=lambda model: np.log(len(PIECES)),
    noise=mask_targets,
)

# GANs: Z 5, 7 classes.


def conditional_gan(dropout=0.0, dtype="float32"):
    """Images of 8 x 8 x 3. Gentle kinks: rounding flips the side that a number is on."""
    form = dict(num_classes=7, batch_norm=True, negative_slope=0.6, dtype=dtype)
    networks = (
        DCGANGenerator((8, 8, 3), 6, **form),
        DCGANDiscriminator((8, 8, 3), 5, dropout=dropout, **form),
    )
    return GAN(*networks, latent_dim=5, num_classes=7, seed=2)


def point_gan(dropout=0.0, dtype="float32"):
    """Points of a plane, judged in pairs."""
    networks = (
        MLPGenerator((2,), (11, 13), output_activation=None, dtype=dtype),
        MLPDiscriminator((13, 11), dropout=dropout, dtype=dtype),
    )
    return GAN(*networks, latent_dim=5, packing=2, seed=2)


def compile_conditional_gan(model, optimizer, **switches):
    regularizers = [GradientPenalty(0.5)]
    model.compile(*players(model, optimizer), Wasserstein(), regularizers, **switches)


def compile_point_gan(model, optimizer, **switches):
    regularizers = [R1(0.5), R2(0.5)]
    model.compile(*players(model, optimizer), Relativistic(), regularizers, **switches)


def players(model, optimizer):
    """Two optimizers, slow enough for the second step not to blow up the rounding of the first."""
    pair = optimizer(), optimizer()
    for one in pair:
        if isinstance(one, keras.optimizers.SGD):
            one.learning_rate = 0.1 * one.learning_rate
    if model.dtype_policy.name == "mixed_float16":
        # Penalties overflow at the usual scale: their first steps would be skipped.
        return [keras.optimizers.LossScaleOptimizer(one, initial_scale=64.0) for one in pair]
    return pair


def image_batch(rng, rows):
    images = rng.uniform(-1, 1, (rows, 8, 8, 3)).astype("float32")
    return images, rng.integers(0, 7, rows).astype("int32")


def point_batch(rng, rows):
    return (rng.normal(size=(rows, 2)).astype("float32"),)


def latents(rng, rows):
    return rng.normal(size=(rows, 5)).astype("float32")


def served_samples(model):
    rng = np.random.default_rng(11)
    z, y = latents(rng, 3), np.array([6, 0, 6], "int32")
    labels = {} if model.num_classes is None else {"labels": y}
    live = model.generate(3, seed=9, **labels)
    made = model.predict([z, y] if labels else z, verbose=0)
    answers = {
        "generate drawn": ({"n": np.int32(3), "seed": np.int32(9), **labels}, {"samples": live}),
        "generate_from_latent": ({"latents": z, **labels}, {"samples": made}),
    }
    if labels:  # packed samples are judged together, not one by one
        judged = model.discriminate(live, y)
        answers["discriminate"] = ({"samples": live, **labels}, {"logits": judged})
    return answers


def sampler(shape, labels):
    """What a GAN's signatures must be."""
    samples = ("float32", (None, *shape))
    scalars = {"n": ("int32", ()), "seed": ("int32", ())}
    return {
        "generate": ({**scalars, **labels}, {"samples": samples}),
        "generate_from_latent": (
            {"latents": ("float32", (None, 5)), **labels},
            {"samples": samples},
        ),
        "discriminate": ({"samples": samples, **labels}, {"logits": ("float32", (None,))}),
    }


ZOO = [
    Entry("gpt", gpt, **WRITER),
    Entry("modern_gpt", modern_gpt, **WRITER),
    Entry("masked_bert", masked_bert, **GUESSER),
    Entry("bert_text_classifier", **TEXT_CLASSIFIER),
    Entry("bert_token_classifier", **TOKEN_CLASSIFIER),
    Entry("bert_question_answerer", **QUESTION_ANSWERER),
    Entry("bert_text_embedder", **TEXT_EMBEDDER),
    Entry(
        "conditional_gan",
        conditional_gan,
        image_batch,
        served_samples,
        sampler((8, 8, 3), {"labels": ("int32", (None,))}),
        compile=compile_conditional_gan,
        inputs=lambda rng, rows: [latents(rng, rows), rng.integers(0, 7, rows).astype("int32")],
        drops=False,
    ),
    Entry(
        "point_gan",
        point_gan,
        point_batch,
        served_samples,
        sampler((2,), {}),
        compile=compile_point_gan,
        inputs=latents,
        drops=False,
    ),
]


def entries(**wanted):
    """The entries whose fields are true or false as wanted."""
    return [
        entry
        for entry in ZOO
        if all(bool(getattr(entry, field)) == value for field, value in wanted.items())
    ]
