"""`tfzoo generate`: a model from a folder continues texts."""

from pathlib import Path
from typing import Annotated

import typer


def generate(
    preset: Annotated[Path, typer.Argument(help="Folder of the model.")],
    prompts: Annotated[list[str], typer.Argument(help="Texts to continue, one after the other.")],
    max_new_tokens: Annotated[int, typer.Option(help="Tokens to write at most.")] = 64,
    temperature: Annotated[
        float | None, typer.Option(help="Above 0: low is cautious, 1 as the model has learned.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Only the k likeliest tokens.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Only the likeliest tokens that together reach p.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed writes the same text.")] = None,
) -> None:
    """Continue texts with a model from a folder, always by the likeliest token if not told else."""
    # TensorFlow takes seconds to import: only who writes waits for it.
    from tfzoo.models import GPTCausalLM

    model = GPTCausalLM.from_preset(preset)
    choices = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    options = {name: value for name, value in choices.items() if value is not None}
    for prompt in prompts:
        pieces = model.generate(prompt, max_new_tokens, stream=True, **options)
        # What is wrong is said by the first piece at the latest, and then alone.
        print(prompt, end=next(pieces, ""), flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
