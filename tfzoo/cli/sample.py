"""`tfzoo sample`: a GAN from a folder draws images into a picture."""

from pathlib import Path
from typing import Annotated

import typer


def sample(
    preset: Annotated[Path, typer.Argument(help="Folder of the model.")],
    picture: Annotated[Path, typer.Argument(help="PNG file to write; an old one is replaced.")],
    n: Annotated[int, typer.Option("--number", "-n", min=1, help="How many images.")] = 64,
    label: Annotated[
        list[int] | None,
        typer.Option(help="Class to draw; several options take turns. Without it: any."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed draws the same images.")] = None,
    truncation: Annotated[
        float | None, typer.Option(help="Above 0: the lower, the more typical, the less various.")
    ] = None,
    columns: Annotated[
        int | None, typer.Option(min=1, help="Images in a row; a square without it.")
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(min=1, help="Side of what a pixel becomes; without it, images are 56 wide."),
    ] = None,
) -> None:
    """Draw images with a GAN from a folder, into one picture."""
    if picture.suffix.lower() != ".png":
        raise ValueError(f"`picture` must end in .png; received {picture}.")
    # TensorFlow takes seconds to import: only who draws waits for it.
    from tfzoo.callbacks import tile_images, write_picture
    from tfzoo.callbacks.place import require_place
    from tfzoo.models import GAN

    require_place(picture)
    labels = [label[number % len(label)] for number in range(n)] if label else None
    model = GAN.from_preset(preset)
    if len(model.data_shape) != 3:
        raise ValueError(
            f"`preset` must hold a GAN of images; received {preset}, whose samples of shape "
            f"{model.data_shape} cannot be drawn as images. Call its `generate`."
        )
    images = model.generate(n, labels, seed=seed, truncation=truncation)
    write_picture(picture, [tile_images(images, columns, scale)])
    print(f"Drew {n} images into {picture}.")
