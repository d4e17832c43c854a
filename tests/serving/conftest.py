"""A server on a thread of the test's own process: no TensorFlow has to start anew."""

import asyncio
import contextlib
import dataclasses
import threading

import httpx
import pytest

from tests.serving import bundles
from tfzoo.serving.server import serve
from tfzoo.serving.settings import Settings


@dataclasses.dataclass
class Running:
    rest_port: int
    grpc_port: int
    http: httpx.Client

    @property
    def address(self):
        return f"http://127.0.0.1:{self.rest_port}"

    def metric(self, name, labels=""):
        """A number of Prometheus."""
        lines = self.http.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith(name + labels + " ")]
        return float(found[0].split()[-1]) if found else 0.0


@contextlib.contextmanager
def running(*folders, **settings):
    """Serves bundles for as long as the context lasts, and stops them in good order."""
    settings = {"rest_port": 0, "grpc_port": 0, "poll_seconds": 0.05, **settings}
    settings = Settings(tuple(map(str, folders)), **settings)
    ports, failed = [], []
    started, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    def tell(*numbers):
        ports.extend(numbers)
        started.set()

    def run():
        try:
            loop.run_until_complete(serve(settings, stop, tell))
        except BaseException as error:
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    try:
        if failed:
            raise failed[0]
        headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        with httpx.Client(
            base_url=f"http://127.0.0.1:{ports[0]}", headers=headers, timeout=60
        ) as client:
            yield Running(*ports, client)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
    assert not failed, failed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(folder):
    """Models `sums`, `lengths` and `letters`."""
    bundles.save_arithmetic(folder / "sums/1")
    bundles.save_classifier(folder / "lengths/7")
    bundles.save_writer(folder / "letters/3")
    names = ("sums", "lengths", "letters")
    with running(*(folder / name for name in names)) as server:
        yield server
