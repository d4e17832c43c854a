"""Starts Ray on this machine and the replicas under it, and stops them without losing a request."""

import contextlib
import dataclasses
import logging
import math
import os
import re
import signal
import sys
import tempfile
import threading
import time

import ray
from ray import serve

from tfzoo.serving.listening import listen
from tfzoo.serving.ray_engine import LAST_WORDS, OF_RAY, deployment
from tfzoo.serving.settings import Scaling, Settings

NAME = "tfzoo"
QUIET = {"log_level": "WARNING", "enable_access_log": False}
OBJECT_STORE = 80 * 2**20  # bytes, near the least that Ray takes: requests do not go through it


def run(settings: Settings, scaling: Scaling) -> None:
    """Serves on this machine until SIGTERM or Ctrl-C, by a Ray of its own.

    Args:
        settings: what, and where; but for gRPC.
        scaling: how many replicas.

    Raises:
        ValueError: if a bundle cannot be served.
        OSError: if the port is taken.
    """
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    stop = threading.Event()
    with listen(settings) as listening:
        port = listening.getsockname()[1]
    # What Ray writes goes when it ends; the folder that it has by default would be everybody's.
    with tempfile.TemporaryDirectory(prefix=NAME, ignore_cleanup_errors=True) as folder:
        try:
            catch_signals(stop)
            start_ray(settings, scaling, folder)
            catch_signals(stop)  # Ray has caught them itself meanwhile
            serve.start(
                proxy_location="HeadOnly",
                http_options={"host": settings.host, "port": port, "keep_alive_timeout_s": 75},
                logging_config=QUIET,
            )
            start_replicas(settings, scaling)
            print(f"Serving on http://{settings.host}:{port} by Ray.", flush=True)
            stop.wait()
            drain(settings.drain_seconds)
        finally:
            if ray.is_initialized():  # or else `serve` would start another one, to stop it
                serve.shutdown()
            ray.shutdown()
    print("Stopped.", flush=True)


def catch_signals(stop: threading.Event) -> None:
    """Lets SIGTERM and Ctrl-C set `stop`."""
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())


def start_ray(settings: Settings, scaling: Scaling, folder: str) -> None:
    """Starts Ray, with its files in a folder."""
    if settings.token:
        os.environ["TFZOO_TOKEN"] = settings.token  # the replicas inherit it
    ray.init(
        "local",
        # Ray counts, but does not share out, cores: all replicas have all of them.
        num_cpus=scaling.most,
        object_store_memory=OBJECT_STORE,
        include_dashboard=False,
        logging_level="WARNING",
        _temp_dir=folder,
    )


def start_replicas(settings: Settings, scaling: Scaling) -> None:
    """Starts the replicas, and returns when all have loaded their models."""
    values = {k: v for k, v in dataclasses.asdict(settings).items() if k not in OF_RAY}
    bundles = deployment(settings).options(
        **options(scaling, ray.cluster_resources().get("GPU", 0)),
        max_constructor_retry_count=1,  # what does not load now will not load later
        logging_config=QUIET,
    )
    try:
        serve.run(bundles.bind(values, sys.modules[NAME].__path__[0]), name=NAME)
    except RuntimeError as error:
        raise ValueError(said(error)) from None


def options(scaling: Scaling, num_gpus: float = 0) -> dict:
    """Ray's options of a deployment, with an equal share of the GPUs for each replica."""
    share = {"num_cpus": 1}
    if num_gpus:
        share["num_gpus"] = 1 / math.ceil(scaling.most / num_gpus)
        # By default TensorFlow takes all of a GPU's memory, and nothing is left for the next.
        share["runtime_env"] = {"env_vars": {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}}
    if scaling.max_replicas is None:
        return {"ray_actor_options": share, "num_replicas": scaling.replicas}
    between = {"min_replicas": scaling.replicas, "max_replicas": scaling.max_replicas}
    if scaling.target_ongoing_requests is not None:
        between["target_ongoing_requests"] = scaling.target_ongoing_requests
    return {"ray_actor_options": share, "autoscaling_config": between}


def said(error: RuntimeError) -> str:
    """What a replica said when it could not start, or all that Ray says."""
    state = serve.status().applications.get(NAME)
    messages = [one.message for one in state.deployments.values()] if state else []
    sentences = re.findall(r"^ValueError: (.+)$", "\n".join(messages), re.MULTILINE)
    return sentences[-1] if sentences else "\n".join([str(error), *messages])


def drain(seconds: float) -> None:
    """Lets the requests in flight end."""
    told = serve.get_app_handle(NAME).broadcast("drain", seconds)
    with contextlib.suppress(TimeoutError):
        told.results(timeout_s=LAST_WORDS, return_exceptions=True)
    serve.delete(NAME, _blocking=False)
    while NAME in serve.status().applications:
        time.sleep(0.1)
