"""`tfzoo serve`: bundles over HTTP and gRPC."""

import dataclasses
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tfzoo.serving.settings import Settings

NEEDED = {
    "fastapi": "fastapi",
    "grpc": "grpcio",
    "prometheus_client": "prometheus-client",
    "tensorflow_serving": "tensorflow-serving-api",
    "uvicorn": "uvicorn",
}


def serve(
    bundles: Annotated[
        list[str],
        typer.Argument(help="Folders of numbered SavedModels, each FOLDER or NAME=FOLDER."),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine.")
    ] = Settings.host,
    rest_port: Annotated[int, typer.Option(help="Of HTTP.")] = Settings.rest_port,
    grpc_port: Annotated[int, typer.Option(help="Of gRPC.")] = Settings.grpc_port,
    token: Annotated[
        str | None,
        typer.Option(envvar="TFZOO_TOKEN", help="What clients send as `Authorization: Bearer`."),
    ] = None,
    num_versions: Annotated[
        int, typer.Option(help="The newest so many versions are served side by side.")
    ] = Settings.num_versions,
    poll_seconds: Annotated[
        float, typer.Option(help="Between two looks for new versions.")
    ] = Settings.poll_seconds,
    num_threads: Annotated[
        int, typer.Option(help="Calls of models at the same time.")
    ] = Settings.num_threads,
    max_batch_size: Annotated[
        int, typer.Option(help="Rows computed together, and rows of one request.")
    ] = Settings.max_batch_size,
    batch_wait: Annotated[
        float, typer.Option(help="Seconds to wait for others, where there are others.")
    ] = Settings.batch_wait,
    max_queue: Annotated[
        int, typer.Option(help="Requests that wait; the next is told to come later.")
    ] = Settings.max_queue,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer.")] = Settings.timeout,
    max_body_bytes: Annotated[int, typer.Option(help="Of one request.")] = Settings.max_body_bytes,
    max_text_bytes: Annotated[int, typer.Option(help="Of one text.")] = Settings.max_text_bytes,
    max_new_tokens: Annotated[
        int, typer.Option(help="That one request may ask for.")
    ] = Settings.max_new_tokens,
    drain_seconds: Annotated[
        float, typer.Option(help="For requests in flight when SIGTERM comes.")
    ] = Settings.drain_seconds,
) -> None:
    """Serve bundles: TensorFlow Serving's REST and gRPC, and OpenAI's completions for GPT.

    Needs `pip install tfzoo[serve]`. A new version in a folder takes over without a lost request.
    `/healthz` says whether the server lives, `/readyz` whether it takes requests, `/openapi.json` the rest.
    """
    given = dict(locals())
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        raise ValueError(
            f"`tfzoo serve` needs {', '.join(missing)}: run `pip install 'tfzoo[serve]'`."
        )
    names = [field.name for field in dataclasses.fields(Settings)]
    settings = Settings(**{name: given[name] for name in names})
    start_process(settings)


def start_process(settings: Settings) -> None:
    """Becomes the server, in whose process neither tfzoo's models nor Keras can be imported."""
    values = dataclasses.asdict(settings)
    token = values.pop("token")
    if token:
        os.environ["TFZOO_TOKEN"] = token  # arguments are seen by everybody on a machine
    program = Path(__file__).parent.parent / "serving" / "__main__.py"
    sys.stdout.flush()
    # -P: the folder of the program is no place to import from.
    os.execv(sys.executable, [sys.executable, "-P", str(program), json.dumps(values)])
