"""`tfzoo demo`: a page on which a person tries models."""

import asyncio
import contextlib
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tfzoo.serving.settings import Settings

NEEDED = {
    "gradio": "gradio",
    "grpc": "grpcio",
    "prometheus_client": "prometheus-client",
    "tensorflow_serving": "tensorflow-serving-api",
}


def demo(
    models: Annotated[
        list[str],
        typer.Argument(help="Folders of bundles, runs or models, each FOLDER or NAME=FOLDER."),
    ],
    port: Annotated[int, typer.Option(help="Of the page; 0 takes any free one.")] = 7860,
) -> None:
    """Open a page to try models: write, fill, classify, tag, answer, search, draw.

    Needs `pip install tfzoo[demo]`. The page is seen on this machine alone, and uses no other.
    """
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        raise ValueError(
            f"`tfzoo demo` needs {', '.join(missing)}: run `pip install 'tfzoo[demo]'`."
        )
    with contextlib.ExitStack() as stack:
        aside = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bundles = [as_bundle(model, aside / str(place)) for place, model in enumerate(models)]
        # Gradio takes seconds to import: only who opens a page waits for it.
        from tfzoo.demo.server import run

        asyncio.run(run(Settings(tuple(bundles), rest_port=port)))


def as_bundle(model: str, aside: Path) -> str:
    """`NAME=FOLDER` of a bundle; a run or a model is first exported to `aside`."""
    name, _, folder = model.rpartition("=")
    folder = Path(folder).resolve()
    if not (folder / "config.json").exists():
        return model
    import tfzoo

    print(f"Exporting {folder.name}: it takes a minute.", flush=True)
    tfzoo.export_bundle(tfzoo.models.Task.from_preset(folder), aside)
    return f"{name or folder.name}={aside}"
