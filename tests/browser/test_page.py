"""A person opens the page, types, clicks, and sees what the models say."""

import base64
import io
import json
import time

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE, SECONDS_TO_STOP = 60, 2


class Person:
    """Finds things by what is written on them, in the tab that is open."""

    def __init__(self, browser):
        self.browser = browser

    def see(self, what):
        """Waits until `what()` is something, and gives it."""
        return WebDriverWait(self.browser, PATIENCE, 0.05, [Exception]).until(lambda _: what())

    def find(self, path):
        """The one visible element that a path leads to."""
        found = self.see(
            lambda: [e for e in self.browser.find_elements(By.XPATH, path) if e.is_displayed()]
        )
        assert len(found) == 1, path
        return found[0]

    def open(self, tab):
        self.find(f"//button[@role='tab'][normalize-space()='{tab}']").click()

    def click(self, button):
        self.find(f"//button[normalize-space()='{button}']").click()

    def box(self, label):
        inputs = "*[self::textarea or self::input[not(@type='range')]]"
        return self.find(
            f"//*[contains(@class, 'block')][.//span[normalize-space()='{label}']]//{inputs}"
        )

    def type(self, label, text):
        box = self.box(label)
        box.clear()
        box.send_keys(text)

    def picture(self, name):
        return self.find(f"//*[contains(@class, 'block') and contains(@class, '{name}')]//img")

    def shown(self):
        """All words on the page that can be seen."""
        return self.browser.find_element(By.TAG_NAME, "body").text


def pixels(picture, browser):
    """What an `img` shows, as uint8 (height, width, 3)."""
    script = """
        const [image, done] = arguments, reader = new FileReader();
        reader.onload = () => done(reader.result);
        fetch(image.src).then(r => r.blob()).then(b => reader.readAsDataURL(b));
    """
    url = browser.execute_async_script(script, picture)
    content = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.fixture
def person(browser, address):
    browser.get(address)
    person = Person(browser)
    person.see(lambda: "tfzoo" in person.shown())
    return person


def test_a_text_grows_while_one_looks_and_is_taken_back(person, pieces):
    person.open("letters")
    person.type("Text", "a")
    person.type("Length", "6")
    person.click("Write")
    for text in ("aé", "aé b", "aé bc→", "aé bc→d"):
        person.see(lambda text=text: person.box("Text").get_attribute("value") == text)
        pieces.release()
    pieces.acquire()  # the last was not needed
    person.click("Take back")
    person.see(lambda: person.box("Text").get_attribute("value") == "a")


def test_it_stops_when_it_is_told_to(person, pieces):
    person.open("letters")
    person.type("Text", "a")
    person.type("Length", "6")
    person.click("Write")
    person.see(lambda: person.box("Text").get_attribute("value") == "aé")
    person.click("Stop")
    time.sleep(SECONDS_TO_STOP)
    for _ in range(3):
        pieces.release()  # it could end now
    time.sleep(SECONDS_TO_STOP)
    assert person.box("Text").get_attribute("value") == "aé"


def test_an_image_grows_and_the_slider_walks(person):
    person.open("greys")
    person.type("Images", "5")
    person.type("Seed", "7")
    person.click("Grow images")
    grown = pixels(person.picture("grown"), person.browser)
    person.click("Walk")
    strip = pixels(person.picture("strip"), person.browser)
    assert grown.shape == (290, 638, 3) and strip.shape[1] > 1000
    first = np.unique(grown[:116, :174])  # the first image, of one grey
    assert len(first) == 1

    def here():
        return int(pixels(person.picture("here"), person.browser)[0, 0, 0])

    # The strip begins with the image of the first seed, and so does the way.
    for place, column in (("0", 0), ("32", -1)):
        person.type("Place on the way", place)
        person.see(lambda column=column: here() == strip[0, column, 0])
    assert strip[0, 0, 0] != strip[0, -1, 0]


def test_hidden_words_are_guessed_and_their_html_is_not_the_page_s(person):
    person.open("masks")
    person.type("Text", "a [MASK] b")
    person.type("Guesses", "2")
    person.click("Fill")
    person.see(lambda: "<b>\n0.500\nblue\n0.250" in person.shown())


def test_a_text_is_classified(person):
    person.open("lengths")
    person.type("Text", "12345")
    person.click("Classify")
    person.see(lambda: "middling\n75%" in person.shown())


def test_names_are_marked(person):
    person.open("names")
    person.type("Text", "Äé is in")
    person.click("Find names")
    mark = "//span[contains(@class, 'highlighted')]"
    assert person.find(f"{mark}[contains(., 'PER 0.50')]").text.split()[0] == "Äé"
    assert person.find(f"{mark}[contains(., 'LOC 0.75')]").text.startswith("is i")


def test_a_question_is_answered_at_its_place(person):
    person.open("places")
    person.type("Document", "Ä→cdefg")
    person.type("Question", "who")
    person.click("Ask")
    person.see(lambda: person.box("Answer").get_attribute("value") == "cde")
    person.see(lambda: "ANSWER 0.75" in person.shown().upper())


def test_lines_are_searched(person):
    person.open("angles")
    person.type("Texts", "one\ntwo and\nthree and four")
    person.type("Search for", "abcdefgh")
    person.click("Search")
    person.see(lambda: "two and\n0.995\none\n0.878\nthree and four\n0.825" in person.shown())


def test_a_refusal_is_read_in_the_page(person):
    person.open("letters")
    person.type("Length", "51")
    person.click("Write")
    sentence = "The model refuses this input: There is room for 50 tokens."
    person.see(lambda: sentence in person.shown())


def test_nobody_else_is_asked_for_anything(browser, address):
    browser.get_log("performance")  # what other tests asked for
    browser.get(address)
    time.sleep(1)
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in asked
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert len(urls) > 10
    local = (address, "data:", "blob:")
    assert [url for url in urls if not url.startswith(local)] == []
