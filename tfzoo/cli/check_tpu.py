"""`tfzoo check-tpu`: whether a family compiles for TPUs and fits, on a machine without one."""

import enum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tfzoo.cli.sizes import size_of

PROMPT_SHARE = 4  # of a row of GPT, one part in so many is the prompt that `generate` continues
MASKED_SHARE = 6  # about one token in so many is masked
IMAGE_SHAPE = (28, 28, 1)
STATEMENT = "Compiled by the TPU's own compiler; it was not run on a TPU."


class Family(enum.StrEnum):
    """What can be checked."""

    GPT = "gpt"
    BERT = "bert"
    GAN = "gan"


class Chip(enum.StrEnum):
    """One TPU core of a generation."""

    V5E = "v5e"
    V6E = "v6e"


def check_tpu(
    family: Annotated[Family, typer.Argument(help="What to check.")],
    size: Annotated[
        str, typer.Option(help="Of GPT and BERT: mini, small, ..., as `tfzoo.models.GPT_MINI`.")
    ] = "mini",
    batch_size: Annotated[int, typer.Option(min=2, help="Rows, or images, on one chip.")] = 16,
    length: Annotated[int, typer.Option(min=8, help="Tokens of a row.")] = 128,
    vocabulary_size: Annotated[int, typer.Option(min=300, help="Of GPT and BERT.")] = 8192,
    base_dim: Annotated[int, typer.Option(min=1, help="Channels of the DCGAN, 28x28.")] = 64,
    dtype: Annotated[str, typer.Option(help="Keras dtype policy.")] = "mixed_bfloat16",
    recompute: Annotated[bool, typer.Option(help="Recompute blocks for the gradient.")] = False,
    chip: Annotated[list[Chip] | None, typer.Option(help="By default, both.")] = None,
) -> None:
    """Compile training steps, and GPT's loop that writes, with the TPU's compiler: no TPU needed.

    Needs `pip install tfzoo[tpu-check]`. A few minutes for a large model.
    """
    # TensorFlow takes seconds to import: only who checks waits for it.
    from tfzoo.distribution import compile_for_tpu, lower_to_hlo

    if family is Family.GAN:
        programs = gan_programs(base_dim, batch_size, dtype)
    else:
        form = {"dtype": dtype, "recompute": recompute}
        make = gpt_programs if family is Family.GPT else bert_programs
        programs = make(size, vocabulary_size, length, batch_size, form)
    table = Table("program", "chip", "GFLOP", "GB moved", "GiB of memory", "fits", title=STATEMENT)
    for title, function, inputs in programs:
        hlo = lower_to_hlo(function, *inputs)
        for name in chip or list(Chip):
            program = compile_for_tpu(hlo, name)
            table.add_row(
                title,
                name,
                f"{program.operations / 1e9:,.1f}",
                f"{program.bytes_moved / 1e9:,.1f}",
                f"{program.memory / 2**30:.2f} of {program.limit // 2**30}",
                "yes" if program.fits else "NO",
            )
    Console().print(table)


def gpt_programs(size, vocabulary_size, length, batch_size, form):
    """A training step, and a prompt that is continued to the end of the row."""
    import tensorflow as tf

    from tfzoo import models
    from tfzoo.models.generation_graphs import write_draft
    from tfzoo.preprocessing import ByteTokenizer, CausalLMPreprocessor
    from tfzoo.samplers import Sampler

    backbone = models.GPTBackbone(
        vocabulary_size, **size_of("GPT", size), max_sequence_length=length, dropout=0.1, **form
    )
    # Generation asks a tokenizer which ids there are; any will do.
    preprocessor = CausalLMPreprocessor(ByteTokenizer(), length)
    model = models.GPTCausalLM(backbone, preprocessor)
    model.compile()
    rows = tf.zeros([batch_size, length], tf.int32)
    yield "GPT, training step", model.train_step, [({"token_ids": rows}, rows)]

    prompt = rows[:, : length // PROMPT_SHARE]

    def write(prompt):
        draft = model.start_draft(prompt, tf.ones([batch_size, length], tf.bool))
        num_tokens = length - prompt.shape[1]
        return write_draft(model, draft, Sampler(top_k=50), num_tokens, [0], [0, 0]).token_ids

    yield "GPT, generation, a token", write, [prompt]


def bert_programs(size, vocabulary_size, length, batch_size, form):
    """A step of masked-LM training, and one of classification."""
    import tensorflow as tf

    from tfzoo import models

    def backbone():
        return models.BertBackbone(
            vocabulary_size, **size_of("BERT", size), max_sequence_length=length, **form
        )

    rows, masked = tf.zeros([batch_size, length], tf.int32), length // MASKED_SHARE
    targets = tf.zeros([batch_size, masked], tf.int32)
    model = models.BertMaskedLM(backbone())
    model.compile()
    x = {"token_ids": rows, "mask_positions": targets}
    yield "BERT, masked-LM step", model.train_step, [(x, targets)]
    model = models.BertTextClassifier(backbone(), class_names=["no", "yes"])
    model.compile()
    labels = tf.zeros([batch_size], tf.int32)
    yield "BERT, classifier step", model.train_step, [({"token_ids": rows}, labels)]


def gan_programs(base_dim, batch_size, dtype):
    """A step of both players with all that the recipes use, and drawing."""
    import tensorflow as tf

    from tfzoo import losses, models

    sizes = dict(base_dim=base_dim, num_classes=10, dtype=dtype)
    model = models.GAN(
        models.DCGANGenerator(IMAGE_SHAPE, **sizes),
        models.DCGANDiscriminator(IMAGE_SHAPE, **sizes),
        latent_dim=64,
        num_classes=10,
    )
    model.compile(loss=losses.Relativistic(), regularizers=[losses.R1(0.5), losses.R2(0.5)])
    labels = tf.zeros([batch_size], tf.int32)
    images = tf.zeros([batch_size, *IMAGE_SHAPE])
    yield "GAN, training step", model.train_step, [(images, labels)]
    latents = tf.zeros([batch_size, 64])
    yield "GAN, drawing", model.__call__, [[latents, labels]]
