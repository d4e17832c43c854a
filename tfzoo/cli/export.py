"""`tfzoo export`: a model from a folder becomes a version of a bundle."""

import enum
from pathlib import Path
from typing import Annotated

import typer


class Weights(enum.StrEnum):
    """How precisely weights are stored."""

    FLOAT16 = "float16"
    INT8 = "int8"


def export(
    preset: Annotated[Path, typer.Argument(help="Folder of the model, or of its run.")],
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle, new or with versions.")],
    version: Annotated[
        int | None, typer.Option(min=1, help="Without it, the next that is free.")
    ] = None,
    weights: Annotated[
        Weights | None, typer.Option(help="Stored in a half or a quarter of the room.")
    ] = None,
) -> None:
    """Export a model of any family as the next version of a bundle for a server: raw data in."""
    # TensorFlow takes seconds to import: only who exports waits for it.
    import tfzoo

    model = tfzoo.models.Task.from_preset(preset)
    place = tfzoo.export_bundle(model, bundle, version, weights=weights and weights.value)
    print(f"Exported to {place}; {bundle / 'tfzoo.json'} says what goes in and out. In full:")
    print(f"saved_model_cli show --dir {place} --all")
