"""Options that `tfzoo train` has for every family."""

from pathlib import Path
from typing import Annotated

import typer

AUTO = "auto"
DTYPES = ("float32", "mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


def _known(dtype):
    if dtype not in (AUTO, *DTYPES):
        known = ", ".join((AUTO, *DTYPES))
        raise ValueError(f"`--dtype` must be one of {known}; received {dtype}.")
    if dtype != AUTO:
        return dtype
    # A run's folder keeps what it was: where it would be another one, the run asks for the first.
    from tfzoo.distribution import fastest_dtype

    return fastest_dtype()


Data = Annotated[
    str, typer.Argument(help="File, folder, pattern, tfds:name, or the name of built-in data.")
]
Run = Annotated[
    Path, typer.Argument(help="Folder of the run; the same command goes on with one that stopped.")
]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the data.")]
Steps = Annotated[
    int | None, typer.Option(min=1, help="Steps instead of passes, evaluated ten times.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Rows, or images, of a step.")]
CheckpointSteps = Annotated[
    int,
    typer.Option(min=1, help="Steps between two checkpoints; with --steps at most a tenth of it."),
]
Dtype = Annotated[
    str,
    typer.Option(
        callback=_known,
        help=f"Keras dtype policy: {', '.join(DTYPES)}; auto is float32, or mixed_bfloat16 where "
        "the machine multiplies it fast.",
    ),
]
Seed = Annotated[int, typer.Option(help="Of the weights, and of the order of the data.")]
HeldOut = Annotated[
    float,
    typer.Option(min=0.0, max=0.45, help="Share for validation, and the same share for test."),
]
Profile = Annotated[
    bool, typer.Option("--profile", help="Record steps 11 to 20 with TensorFlow's profiler.")
]
DataDir = Annotated[Path | None, typer.Option(help="Folder of prepared TFDS datasets.")]
ImageSize = Annotated[
    int | None,
    typer.Option(min=1, help="Pixels of a side: image files are cut to a square and resized."),
]
Text = Annotated[
    str | None, typer.Option(help="Where labelled texts have the text: a name, or a place from 0.")
]
Label = Annotated[str | None, typer.Option(help="Where they have the label, likewise.")]
Pair = Annotated[str | None, typer.Option(help="Where pairs of texts have the second one.")]
Licence = Annotated[str | None, typer.Option(help="Licence of the data, for the model card.")]

CHECKPOINT_STEPS = 100
LEAST_RATE = 1e-12  # a learning rate above 0: typer knows closed intervals only
