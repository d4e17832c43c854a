"""`tfzoo export`: a model from a folder becomes a SavedModel."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    preset: Annotated[Path, typer.Argument(help="Folder of the model.")],
    folder: Annotated[Path, typer.Argument(help="New folder for the SavedModel.")],
) -> None:
    """Export a model of any family from a folder as a SavedModel, raw data in and answers out."""
    # TensorFlow takes seconds to import: only who exports waits for it.
    import tfzoo

    model = tfzoo.models.Task.from_preset(preset)
    tfzoo.export(model, folder)
    print(f"Exported to {folder}. To see its signatures:")
    print(f"saved_model_cli show --dir {folder} --all")
