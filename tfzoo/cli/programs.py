"""What `tfzoo check-tpu` compiles and `tfzoo benchmark` times: the programs of each family."""

import dataclasses
import enum
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from tfzoo.cli.sizes import size_of

PROMPT_SHARE = 4  # of a row of GPT, one part in so many is the prompt that `generate` continues
MASKED_SHARE = 6  # about one token in so many is masked
IMAGE_SHAPE = (28, 28, 1)


class Family(enum.StrEnum):
    """Whose programs."""

    GPT = "gpt"
    BERT = "bert"
    GAN = "gan"


Chosen = Annotated[Family, typer.Argument(help="Whose programs.")]
Size = Annotated[
    str, typer.Option(help="Of GPT and BERT: mini, small, ..., as `tfzoo.models.GPT_MINI`.")
]
Rows = Annotated[int, typer.Option("--batch-size", min=2, help="Rows, or images, on one device.")]
Length = Annotated[int, typer.Option(min=8, help="Tokens of a row.")]
VocabularySize = Annotated[int, typer.Option(min=300, help="Of GPT and BERT.")]
BaseDim = Annotated[int, typer.Option(min=1, help="Channels of the DCGAN, 28x28.")]
Recompute = Annotated[bool, typer.Option(help="Recompute blocks for the gradient.")]


OPTIONS_OF_TEXTS = "size", "length", "vocabulary_size", "recompute"
OPTIONS_OF_IMAGES = ("base_dim",)


@dataclasses.dataclass(frozen=True)
class Program:
    """A function and what it is called with.

    Args:
        title: what it does.
        function: of tensors.
        inputs: its arguments.
        units: tokens or images that a call is about.
        compiled: whether XLA compiles it outside TPUs.
        learner: the task of which this is a training step; None where nothing is learned.
    """

    title: str
    function: Callable
    inputs: list[Any]
    units: int
    compiled: bool = False
    learner: Any = None

    def time(self, seconds: float) -> tuple[float, list[float]]:
        """Seconds of the first call, which makes the graph, and of each of at least three more."""
        import tensorflow as tf

        call = tf.function(self.function, jit_compile=self.compiled)
        times = []
        while len(times) < 4 or sum(times[1:]) < seconds:
            start = time.perf_counter()
            # The device is done when its numbers are here.
            tf.nest.map_structure(lambda tensor: tensor.numpy(), call(*self.inputs))
            times.append(time.perf_counter() - start)
        return times[0], times[1:]


def require_meant(context: typer.Context, family: Family) -> None:
    """Refuses an option that was given and means nothing to a family."""
    is_gan = family is Family.GAN
    for name in OPTIONS_OF_TEXTS if is_gan else OPTIONS_OF_IMAGES:
        if context.get_parameter_source(name).name != "DEFAULT":
            owner = "gpt and bert" if is_gan else "gan"
            raise ValueError(
                f"`--{name.replace('_', '-')}` is an option of {owner}; received it with {family}: "
                "leave it out."
            )


def programs_of(
    family: Family,
    size: str,
    batch_size: int,
    length: int,
    vocabulary_size: int,
    base_dim: int,
    dtype: str,
    recompute: bool,
) -> Iterator[Program]:
    """Builds the models of a family, with random weights, and gives their programs."""
    if family is Family.GAN:
        return gan_programs(base_dim, batch_size, dtype)
    form = {"dtype": dtype, "recompute": recompute}
    make = gpt_programs if family is Family.GPT else bert_programs
    return make(size, vocabulary_size, length, batch_size, form)


def training_step(title, model, batch, units):
    """The program of a compiled task that learns from a batch."""
    return Program(title, model.train_step, [batch], units, model.jit_compile, model)


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
    batch = {"token_ids": rows}, rows
    yield training_step("GPT, training step", model, batch, batch_size * length)

    prompt = rows[:, : length // PROMPT_SHARE]
    num_tokens = length - prompt.shape[1]

    def write(prompt):
        draft = model.start_draft(prompt, tf.ones([batch_size, length], tf.bool))
        # No token ends the text: all are written, whatever is drawn.
        return write_draft(model, draft, Sampler(top_k=50), num_tokens, [-1], [0, 0]).token_ids

    yield Program("GPT, generation", write, [prompt], batch_size * num_tokens, compiled=True)


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
    batch = x, targets, tf.ones([batch_size, masked])
    yield training_step("BERT, masked-LM step", model, batch, batch_size * length)
    model = models.BertTextClassifier(backbone(), class_names=["no", "yes"])
    model.compile()
    labels = tf.zeros([batch_size], tf.int32)
    batch = {"token_ids": rows}, labels
    yield training_step("BERT, classifier step", model, batch, batch_size * length)


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
    batch = images, labels
    yield training_step("GAN, training step", model, batch, batch_size)
    latents = tf.zeros([batch_size, 64])
    yield Program("GAN, drawing", model.__call__, [[latents, labels]], batch_size)
