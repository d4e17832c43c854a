"""The page in a headless Chromium, over bundles of a few operations."""

import asyncio
import os
import shutil
import threading

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver

from tests.demo import bundles
from tfzoo.demo.server import show
from tfzoo.serving.settings import Settings
from tfzoo.serving.version import Version

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--window-size=1280,1000",
)


@pytest.fixture(scope="module")
def pieces():
    """A semaphore: a model writes its next piece when the test lets it."""
    allowed, call = threading.Semaphore(0), Version.call

    def call_when_allowed(version, name, inputs):
        if name == "generate_continue":
            allowed.acquire()
        return call(version, name, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Version, "call", call_when_allowed)
        yield allowed


@pytest.fixture(scope="module")
def address(tmp_path_factory, pieces):
    """Of the page, which is shown on a thread for as long as the tests last."""
    folders = bundles.save_all(tmp_path_factory.mktemp("shown"))
    settings = Settings(tuple(map(str, folders.values())), rest_port=0)
    loop, stop, ports = asyncio.new_event_loop(), asyncio.Event(), []
    started, failed = threading.Event(), []

    def tell(port):
        ports.append(port)
        started.set()

    def run():
        try:
            loop.run_until_complete(show(settings, stop, tell))
        except BaseException as error:
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    assert not failed, failed
    yield f"http://127.0.0.1:{ports[0]}"
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()
    assert not failed, failed


@pytest.fixture(scope="session")
def browser():
    options = webdriver.ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    # What the page asked for, of whom.
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    options.binary_location = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with webdriver.Chrome(options, Driver(shutil.which("chromedriver"))) as browser:
        yield browser
