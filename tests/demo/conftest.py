"""A started service over small bundles, in the test's own loop."""

import asyncio

import pytest

from tests.demo import bundles
from tfzoo.demo.engine import Engine
from tfzoo.serving.service import Service
from tfzoo.serving.settings import Settings


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """`{name: folder}` of a bundle for each tab."""
    return bundles.save_all(tmp_path_factory.mktemp("shown"))


@pytest.fixture(scope="session")
def loop():
    """One for all tests: the engine belongs to the loop that it was started in."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def service(folders, loop):
    settings = Settings(tuple(map(str, folders.values())), poll_seconds=3600.0, max_batch_size=37)
    service = Service(settings)
    loop.run_until_complete(service.start())
    yield service
    service.stop()
    loop.run_until_complete(asyncio.sleep(0))  # so that its tasks end


@pytest.fixture
def engine(service):
    return lambda name: Engine(service, name)


@pytest.fixture
def wait(loop):
    """Runs what a tab calls, to its end; a generator to a list."""

    async def collect(pieces):
        return [piece async for piece in pieces]

    def wait(answer):
        return loop.run_until_complete(collect(answer) if hasattr(answer, "__aiter__") else answer)

    return wait
