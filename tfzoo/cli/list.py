"""`tfzoo list`: which models there are, and which data to try them on."""

from rich.console import Console
from rich.table import Table

from tfzoo.cli.sizes import sizes
from tfzoo.cli.sources import BUILT_IN

TASKS = {
    "GPT": "continue texts, score them: tfzoo train gpt",
    "BERT": "guess hidden words, classify, tag, answer: tfzoo train bert; embed: in Python",
    "GAN": "draw images, with or without classes: tfzoo train gan",
}
# GPT-2's and BERT's own vocabularies.
VOCABULARIES = {"GPT": 50_257, "BERT": 30_522}
# The images that the sizes of GANs are for, and the options of `tfzoo train gan` that come nearest.
GANS = {
    "MLP_GAN": ((28, 28, 1), "--networks mlp"),
    "DCGAN_SMALL": ((28, 28, 1), "--base-dim 64"),
    "DCGAN": ((64, 64, 3), "--base-dim 128"),
}


def list_models() -> None:
    """List families and their sizes, what they are for, and the built-in data."""
    console = Console()
    for family, vocabulary_size in VOCABULARIES.items():
        table = Table(
            *("size", "layers", "heads", "width", "in the blocks", "with embeddings"),
            title=f"{family}: {TASKS[family]}\nembeddings: {vocabulary_size:,} tokens",
        )
        for name, size in sorted(sizes(family).items(), key=lambda item: item[1]["hidden_dim"]):
            blocks, embeddings = parameters(family, vocabulary_size, **size)
            numbers = (size[key] for key in ("num_layers", "num_heads", "hidden_dim"))
            counts = (f"{count / 1e6:,.1f} M" for count in (blocks, blocks + embeddings))
            table.add_row(name, *map(str, numbers), *counts)
        console.print(table)
    table = Table(
        *("size", "images", "generator", "discriminator", "nearest options"),
        title=f"GAN: {TASKS['GAN']}",
    )
    for name, (shape, options) in GANS.items():
        counts = (f"{count / 1e6:,.1f} M" for count in gan_parameters(name, shape))
        table.add_row(name.lower(), "x".join(map(str, shape)), *counts, options)
    console.print(table)
    table = Table("name", "what it has", "for", title="Built-in data: they need no network")
    for name, (kind, command) in BUILT_IN.items():
        table.add_row(name, kind, command)
    console.print(table)


def parameters(family, vocabulary_size, num_layers, num_heads, hidden_dim, max_sequence_length):
    """Numbers of a model in the classical form, in closed form: blocks, and embeddings.

    A block has four square matrices for attention and two of four times the width behind it, with
    their biases, and two layers of normalization. Beside the embeddings of tokens and places BERT
    has those of two segments; a last, or first, normalization is counted here too.
    """
    width = hidden_dim
    block = 12 * width**2 + 13 * width
    rows = vocabulary_size + max_sequence_length + (2 if family == "BERT" else 0)
    pooler = width**2 + width if family == "BERT" else 0
    return num_layers * block, rows * width + 2 * width + pooler


def gan_parameters(name, shape):
    """Numbers of the two networks, which are made for it."""
    from tfzoo import models

    networks = (
        (models.MLPGenerator, models.MLPDiscriminator)
        if name == "MLP_GAN"
        else (models.DCGANGenerator, models.DCGANDiscriminator)
    )
    size = getattr(models, name)
    generator = networks[0](shape, **size["generator"])
    # A discriminator of layers of all pixels learns from its first images how many there are.
    first = () if name == "MLP_GAN" else (shape,)
    discriminator = networks[1](*first, **size["discriminator"])
    models.GAN(generator, discriminator, latent_dim=100).compile()
    return generator.count_params(), discriminator.count_params()
