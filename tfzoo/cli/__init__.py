"""The `tfzoo` command."""

import sys

import typer
from rich.console import Console

from tfzoo.cli.benchmark import benchmark
from tfzoo.cli.check_tpu import check_tpu
from tfzoo.cli.convert import convert
from tfzoo.cli.demo import demo
from tfzoo.cli.evaluate import evaluate
from tfzoo.cli.export import export
from tfzoo.cli.generate import generate
from tfzoo.cli.list import list_models
from tfzoo.cli.read import answer, classify, embed, fill_mask, tag
from tfzoo.cli.sample import sample
from tfzoo.cli.serve import serve
from tfzoo.cli.train_bert import bert
from tfzoo.cli.train_gan import gan
from tfzoo.cli.train_gpt import gpt

__all__ = ["main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # in the other one "[serve]" is a style
)
COMMANDS = generate, classify, tag, answer, fill_mask, embed, sample, export, serve, demo
for command in COMMANDS:
    app.command()(command)
app.command("list")(list_models)
for command in (evaluate, convert, benchmark, check_tpu):
    app.command()(command)
trainers = typer.Typer(no_args_is_help=True, help="Train a model into a folder that explains it.")
for command in (gpt, bert, gan):
    trainers.command()(command)
app.add_typer(trainers, name="train")


def main() -> None:
    """Runs the command; what is wrong with its input is said in one sentence, with status 2."""
    try:
        app()
    except (OSError, TypeError, ValueError) as error:
        console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        console.print(f"Error: {error}", style="red")
        sys.exit(2)


def _print_version(wanted: bool) -> None:
    if wanted:
        from tfzoo import __version__

        typer.echo(f"tfzoo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Keras 3 / TensorFlow models that write, read and draw, and leave as one SavedModel."""
