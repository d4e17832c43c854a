"""The network of a task, without its texts and loops: what other runtimes can execute too.

B batch, T tokens of a row, Z latent_dim, L longest row.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfzoo.layers import gelu_by_erf
from tfzoo.models.adaptation import merge_lora, with_backbone, without_adaptation
from tfzoo.models.arguments import is_int
from tfzoo.models.gan.average import copy_of
from tfzoo.models.named_variables import arrays, assign, backbone_variables

# What comes out of a network, by what its task is for. A GPT is more than a network: a loop.
OUTPUTS = {
    "classification": "logits",
    "tokens": "logits",
    "answers": "logits",
    "masked_lm": "logits",
    "embedding": "vector",
    "images": "samples",
}
INPUTS = {
    "token_ids": "Rows [CLS] text [SEP], or [CLS] text [SEP] text [SEP], padded at their ends.",
    "segment_ids": "1 at a second text and the [SEP] behind it, else 0.",
    "padding_mask": "True where a token is real, False where it is padding.",
    "latents": "Vectors of normal random numbers, one for each sample.",
    "labels": "The class of each sample, from 0.",
}


class Network(NamedTuple):
    """A network in float32, and what its file is compared with.

    Args:
        model: what holds the weights.
        graph: `tf.function`, the inputs in their order to a dict of float32 outputs.
        inputs: list of `tf.TensorSpec`, whose first axis is free.
        live: callable, the same by the task itself, in the precision that it has.
        is_exact: whether that is float32 too.
        examples: list of dicts of arrays, inputs of several sizes.
        max_sequence_length: int, L; None for a generator.
    """

    model: keras.Model
    graph: Any
    inputs: list[tf.TensorSpec]
    live: Callable[..., dict]
    is_exact: bool
    examples: list[dict]
    max_sequence_length: int | None


def network_of(task: keras.Model, sequence_length: int | None) -> Network:
    """The network of a task: of an encoder with its head, or of the generator of a GAN.

    Args:
        task: a `Task`.
        sequence_length: int, the length of all rows, or None where it is free.

    Raises:
        ValueError: the task needs more than a network, or a row cannot be so long.
    """
    serves = getattr(task, "SERVES", None)
    if serves not in OUTPUTS:
        raise ValueError(
            "`task` must be a task of BERT or a GAN, whose network is one graph of numbers; "
            f"received a {type(task).__name__}, whose loop and tokenizer only a SavedModel holds: "
            "call `tfzoo.export` or `tfzoo.export_bundle`."
        )
    make = _generator if serves == "images" else _encoder
    return make(task, OUTPUTS[serves], sequence_length)


def _encoder(task, output, sequence_length):
    task, windows = merge_lora(task), getattr(task, "long_documents", None)
    limit = windows.window if windows else task.backbone.max_sequence_length
    _require_length(sequence_length, limit)
    if windows:  # a file reads one window; whoever feeds it divides
        task = with_backbone(task, task.backbone, preprocessor=None, long_documents=None)
    plain = with_backbone(task, _plain_backbone(task.backbone), preprocessor=None)

    def by(task):
        def outputs(*values):
            found = task(dict(zip(names, values, strict=True)), training=False)
            found = found["mask_ids"] if isinstance(found, dict) else found
            return {output: tf.cast(found, tf.float32)}

        return outputs

    dtypes = {"token_ids": tf.int32, "segment_ids": tf.int32, "padding_mask": tf.bool}
    names = list(dtypes)
    inputs = [tf.TensorSpec([None, sequence_length], dtypes[name], name) for name in names]
    sizes = [(1, limit), (3, min(11, limit)), (2, 1)]
    examples = [
        _rows(task.backbone, number_of_rows, sequence_length or length)
        for number_of_rows, length in sizes
    ]
    return _network(plain, by(plain), inputs, by(task), task.backbone, examples, limit)


def _generator(task, output, sequence_length):
    if sequence_length is not None:
        raise ValueError(
            f"`sequence_length` must be left out for a GAN, which reads no rows; received "
            f"{sequence_length!r}."
        )
    live = task.average_generator or task.generator
    is_plain = live.compute_dtype == "float32"
    plain = live if is_plain else copy_of(task, live, dtype="float32")

    def by(network):
        def outputs(latents, labels=None):
            return {output: network(task.inputs_of(latents, labels), training=False)}

        return outputs

    rng, sizes = np.random.default_rng(0), (1, 3, 2)
    inputs = [tf.TensorSpec([None, task.latent_dim], tf.float32, "latents")]
    examples = [
        {"latents": rng.normal(size=(size, task.latent_dim)).astype("float32")} for size in sizes
    ]
    if task.num_classes is not None:
        inputs.append(tf.TensorSpec([None], tf.int32, "labels"))
        for size, example in zip(sizes, examples, strict=True):
            example["labels"] = rng.integers(0, task.num_classes, size).astype("int32")
    return _network(plain, by(plain), inputs, by(live), live, examples)


def _network(plain, function, inputs, live, live_part, examples, limit=None):
    graph = tf.function(function, input_signature=inputs, autograph=False)
    is_exact = live_part.compute_dtype == "float32"
    return Network(plain, graph, inputs, live, is_exact, examples, limit)


def _plain_backbone(backbone):
    """The backbone in float32, with exact GELU written by `erf`, which other runtimes have."""
    config = without_adaptation(backbone.get_config()) | {"dtype": "float32"}
    if backbone.activation is keras.activations.gelu:
        config["activation"] = gelu_by_erf
    plain = type(backbone).from_config(config)
    assign(backbone_variables(plain), arrays(backbone_variables(backbone)), "The backbone")
    return plain


def _rows(backbone, size, length):
    """Rows of any tokens, the first of them full, the others padded from some place on."""
    rng, shape = np.random.default_rng(length), (size, length)
    real = np.arange(length) < rng.integers(1, length + 1, size)[:, None]
    real[0] = True
    token_ids = rng.integers(0, backbone.vocabulary_size, shape)
    segment_ids = rng.integers(0, backbone.num_segments, shape)
    return {
        "token_ids": (token_ids * real).astype("int32"),
        "segment_ids": (segment_ids * real).astype("int32"),
        "padding_mask": real,
    }


def _require_length(sequence_length, limit):
    if sequence_length is None:
        return
    if not is_int(sequence_length) or not 1 <= sequence_length <= limit:
        raise ValueError(
            f"`sequence_length` must be an int from 1 to {limit}, the longest row of the network, "
            f"or None; received {sequence_length!r}."
        )
