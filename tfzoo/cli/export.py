"""`tfzoo export`: a model from a folder becomes a version of a bundle, or a file for elsewhere."""

import enum
from pathlib import Path
from typing import Annotated

import typer


class Format(enum.StrEnum):
    """What is written."""

    BUNDLE = "bundle"
    LITERT = "litert"
    ONNX = "onnx"


class Weights(enum.StrEnum):
    """How precisely weights are stored."""

    FLOAT16 = "float16"
    INT8 = "int8"


def export(
    preset: Annotated[Path, typer.Argument(help="Folder of the model, or of its run.")],
    folder: Annotated[
        Path, typer.Argument(help="Of the bundle, new or with versions; of a file, new.")
    ],
    form: Annotated[
        Format, typer.Option("--format", help="A bundle for servers, or the network in one file.")
    ] = Format.BUNDLE,
    version: Annotated[
        int | None, typer.Option(min=1, help="Of a bundle. Without it, the next that is free.")
    ] = None,
    weights: Annotated[
        Weights | None, typer.Option(help="Stored in a half or a quarter of the room. Not ONNX.")
    ] = None,
    sequence_length: Annotated[
        int | None, typer.Option(help="Of all rows of a file; without it they have any length.")
    ] = None,
) -> None:
    """Export a model of any family for a server, as the next version of a bundle: raw data in.

    `--format litert` or `onnx` writes the network of a BERT or the generator of a GAN alone, from
    token ids or latents, beside the files of the tokenizer. Needs `pip install tfzoo[convert]`.
    """
    _require_options_of(form, version=version, weights=weights, sequence_length=sequence_length)
    # TensorFlow takes seconds to import: only who exports waits for it.
    import tfzoo

    model = tfzoo.models.Task.from_preset(preset)
    if form == Format.BUNDLE:
        place = tfzoo.export_bundle(model, folder, version, weights=weights and weights.value)
    elif form == Format.LITERT:
        place = tfzoo.export_litert(
            model, folder, weights=weights and weights.value, sequence_length=sequence_length
        )
    else:
        place = tfzoo.export_onnx(model, folder, sequence_length=sequence_length)
    about = f"Exported to {place}; {folder / 'tfzoo.json'} says what goes in and out."
    if form != Format.BUNDLE:
        print(about)
        return
    print(about, "In full:")
    print(f"saved_model_cli show --dir {place} --all")


def _require_options_of(form, **options):
    known = {
        Format.BUNDLE: ("version", "weights"),
        Format.LITERT: ("weights", "sequence_length"),
        Format.ONNX: ("sequence_length",),
    }
    for name, value in options.items():
        if value is not None and name not in known[form]:
            option = "--" + name.replace("_", "-")
            raise ValueError(
                f"`{option}` must be left out with `--format {form}`; received {value}."
            )
