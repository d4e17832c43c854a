"""Starts what serves, and stops it without losing a request."""

import asyncio
import contextlib
import logging
import math
import os
import signal
import sys
from collections.abc import Callable

import uvicorn

from tfzoo.serving.app import create_app
from tfzoo.serving.listening import listen
from tfzoo.serving.rpc import create_rpc_server
from tfzoo.serving.service import Service
from tfzoo.serving.settings import Settings

log = logging.getLogger("tfzoo.serving")
LAST_WORDS = 1.0  # seconds for telling those who get no answer


class HTTPServer(uvicorn.Server):
    """Leaves the signals alone: on SIGTERM gRPC has to end too."""

    @contextlib.contextmanager
    def capture_signals(self):
        """Captures none."""
        yield


async def serve(
    settings: Settings, stop: asyncio.Event, started: Callable[[int, int], None]
) -> bool:
    """Serves until `stop` is set, then answers what is in flight, and returns.

    What has no answer after `drain_seconds` is told so, with 503.

    Args:
        settings: what, and where.
        stop: set by whoever wants the end.
        started: called with the ports of HTTP and gRPC when requests are taken.

    Returns:
        Whether a thread still computes, or loads, what nobody waits for any more.

    Raises:
        ValueError: if a bundle cannot be served.
        OSError: if a port is taken.
    """
    listening = listen(settings)
    service = Service(settings)
    rpc = create_rpc_server(service)
    grpc_port = _bind(rpc, settings)
    if not await _first(service.start(), stop.wait()):
        listening.close()
        return service.stop()
    await rpc.start()
    http = HTTPServer(
        uvicorn.Config(
            create_app(service),
            log_level="warning",
            access_log=False,
            # Longer than clients usually keep a connection: who sends on one that is just being
            # closed loses a request.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=math.ceil(settings.drain_seconds + LAST_WORDS),
        )
    )
    serving = asyncio.create_task(http.serve([listening]))
    while not http.started and not serving.done():
        await asyncio.sleep(0.01)
    if not serving.done():
        started(listening.getsockname()[1], grpc_port)
        await stop.wait()
    service.is_ready = False
    http.should_exit = True
    asyncio.get_running_loop().call_later(settings.drain_seconds, service.batcher.give_up)
    await asyncio.gather(serving, rpc.stop(settings.drain_seconds + LAST_WORDS))
    return service.stop()


async def _first(work, end):
    """Whether work is done before the end comes, which cancels it."""
    work, end = asyncio.ensure_future(work), asyncio.ensure_future(end)
    await asyncio.wait([work, end], return_when=asyncio.FIRST_COMPLETED)
    end.cancel()
    if not work.done():
        work.cancel()
        return False
    work.result()  # raises what went wrong
    return True


def _bind(rpc, settings):
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        return rpc.add_insecure_port(f"{host}:{settings.grpc_port}")
    except RuntimeError:
        raise OSError(f"`grpc_port` must be free; {host}:{settings.grpc_port} is not.") from None


async def run(settings: Settings) -> None:
    """Serves until SIGTERM or Ctrl-C; raises what `serve` raises."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)

    def started(rest_port, grpc_port):
        host = settings.host
        print(f"Serving on http://{host}:{rest_port} and grpc://{host}:{grpc_port}.", flush=True)

    computes = await serve(settings, stop, started)
    print("Stopped.", flush=True)
    if computes:
        # Python would wait for a thread in TensorFlow, for minutes where XLA compiles.
        logging.shutdown()
        sys.stderr.flush()
        os._exit(0)
