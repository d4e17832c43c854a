"""`tfzoo serve`: bundles over HTTP and gRPC."""

import dataclasses
import enum
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tfzoo.serving.settings import Scaling, Settings

NEEDED = {
    "fastapi": "fastapi",
    "grpc": "grpcio",
    "prometheus_client": "prometheus-client",
    "tensorflow_serving": "tensorflow-serving-api",
    "uvicorn": "uvicorn",
}
NEEDED_BY_RAY = {"ray": "ray[serve]"}


class Engine(enum.StrEnum):
    """What runs the server."""

    UVICORN = "uvicorn"
    RAY = "ray"


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
    warm_up_rows: Annotated[
        int,
        typer.Option(help="GPT: compile for batches of up to so many rows before it is ready."),
    ] = Settings.warm_up_rows,
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
    max_samples: Annotated[
        int, typer.Option(help="That one request may ask a GAN for.")
    ] = Settings.max_samples,
    drain_seconds: Annotated[
        float, typer.Option(help="For requests in flight when SIGTERM comes.")
    ] = Settings.drain_seconds,
    engine: Annotated[
        Engine,
        typer.Option(help="One process of uvicorn, or replicas under Ray Serve, without gRPC."),
    ] = Engine.UVICORN,
    replicas: Annotated[
        int | None, typer.Option(help="Of Ray: processes that hold the models; 1 by default.")
    ] = None,
    max_replicas: Annotated[
        int | None, typer.Option(help="Of Ray: so many at most, as the load asks for.")
    ] = None,
    target_ongoing_requests: Annotated[
        float | None,
        typer.Option(help="Of Ray: above so many, another replica starts; 2 by default."),
    ] = None,
) -> None:
    """Serve bundles: TensorFlow Serving's REST and gRPC, and OpenAI's completions for GPT.

    Needs `pip install tfzoo[serve]`, or `tfzoo[serve,ray]` for `--engine ray`. A new version in a
    folder takes over without a lost request.
    `/healthz` says whether the server lives, `/readyz` whether it takes requests, `/openapi.json`
    the rest.
    """
    given = dict(locals())
    needed = NEEDED | (NEEDED_BY_RAY if engine is Engine.RAY else {})
    missing = [package for module, package in needed.items() if find_spec(module) is None]
    if missing:
        extras = "serve,ray" if engine is Engine.RAY else "serve"
        raise ValueError(
            f"`tfzoo serve` needs {', '.join(missing)}: run `pip install 'tfzoo[{extras}]'`."
        )
    names = [field.name for field in dataclasses.fields(Settings)]
    settings = Settings(**{name: given[name] for name in names})
    names = [field.name for field in dataclasses.fields(Scaling)]
    scaling = {name: given[name] for name in names if given[name] is not None}
    if engine is Engine.RAY:
        if grpc_port != Settings.grpc_port:
            raise ValueError("`--grpc-port` is of `--engine uvicorn`: Ray serves no gRPC here.")
        start_process(settings, Scaling(**scaling))
    elif scaling:
        options = ", ".join(f"`--{name.replace('_', '-')}`" for name in scaling)
        raise ValueError(f"{options} must come with `--engine ray`; received `uvicorn`.")
    else:
        start_process(settings)


def start_process(settings: Settings, scaling: Scaling | None = None) -> None:
    """Becomes the server, in whose process neither tfzoo's models nor Keras can be imported."""
    values = dataclasses.asdict(settings)
    token = values.pop("token")
    if token:
        os.environ["TFZOO_TOKEN"] = token  # arguments are seen by everybody on a machine
    program = Path(__file__).parent.parent / "serving" / "__main__.py"
    arguments = [json.dumps(values)]
    if scaling:
        arguments.append(json.dumps(dataclasses.asdict(scaling)))
    sys.stdout.flush()
    # -P: the folder of the program is no place to import from.
    os.execv(sys.executable, [sys.executable, "-P", str(program), *arguments])
