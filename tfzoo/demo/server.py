"""Starts the page, and stops it."""

import asyncio
import signal
import socket
from collections.abc import Callable

import fastapi
import gradio
import uvicorn

from tfzoo.demo.bars import STYLE
from tfzoo.demo.page import THEME, create_page
from tfzoo.serving.server import HTTPServer
from tfzoo.serving.service import Service
from tfzoo.serving.settings import Settings

DRAIN_SECONDS = 1  # an open page holds a connection for ever


async def show(settings: Settings, stop: asyncio.Event, started: Callable[[int], None]) -> None:
    """Shows the page until `stop` is set.

    Args:
        settings: the bundles, the host, `rest_port`, and the limits.
        stop: set by whoever wants the end.
        started: called with the port when the page can be opened.

    Raises:
        ValueError: if a bundle cannot be shown.
        OSError: if the port is taken.
    """
    listening = socket.create_server((settings.host, settings.rest_port))
    service = Service(settings)
    await service.start()
    app = gradio.mount_gradio_app(
        fastapi.FastAPI(),
        create_page(service),
        path="/",
        theme=THEME,
        css=STYLE,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
    )
    http = HTTPServer(
        uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=DRAIN_SECONDS)
    )
    serving = asyncio.create_task(http.serve([listening]))
    while not http.started and not serving.done():
        await asyncio.sleep(0.01)
    if not serving.done():
        started(listening.getsockname()[1])
        await stop.wait()
    http.should_exit = True
    await serving
    service.stop()


async def run(settings: Settings) -> None:
    """Shows the page until SIGTERM or Ctrl-C; raises what `show` raises."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)

    def started(port):
        print(f"Open http://{settings.host}:{port} in a browser; Ctrl-C ends it.", flush=True)

    await show(settings, stop, started)
    print("Stopped.", flush=True)
