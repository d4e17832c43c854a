"""What each tab shows, of models whose answers are plain to see."""

import math

import gradio as gr
import numpy as np
import pytest

from tests.serving.bundles import continuation
from tfzoo.demo import answering, classifying, filling, images, searching, tagging, writing
from tfzoo.demo.bars import bars
from tfzoo.demo.page import create_page, find_tab


def test_text_grows_behind_its_beginning(engine, wait):
    texts = wait(writing.go_on(engine("letters"), "a", 6, 0.5, 3, 0.9, 11))
    written = continuation("a", 6)
    # One character, then two at a time, as the bundle gives them.
    assert texts == ["a" + written[:end] for end in (1, 3, 5, 6)]


def test_without_a_seed_it_is_another_each_time(engine, wait, monkeypatch):
    seeds = []

    async def write(text, **settings):
        seeds.append(settings["seed"])
        yield "x"

    writer = engine("letters")
    monkeypatch.setattr(writer, "write", write)
    for seed in (-1, -1, 0):
        assert wait(writing.go_on(writer, "a", 1, 1, 0, 1, seed)) == ["ax"]
    assert seeds[0] != seeds[1] and seeds[2] == 0


def test_a_refusal_is_one_sentence_without_html(engine, wait):
    with pytest.raises(gr.Error) as error:
        wait(writing.go_on(engine("letters"), "ab", 51, 0, 0, 1, 0))
    assert error.value.message == "The model refuses this input: There is room for 50 tokens."
    with pytest.raises(gr.Error) as error:
        wait(filling.fill(engine("masks"), "[MASK]", 4))
    assert "Incompatible shapes" in error.value.message
    with pytest.raises(gr.Error) as error:
        wait(filling.fill(engine("masks"), "[MASK]", "<b>"))
    assert "received a string" in error.value.message
    with pytest.raises(gr.Error) as error:
        wait(engine("masks").run("<b>", text=["a"]))
    assert "'&lt;b&gt;'" in error.value.message.replace("&#x27;", "'")


def test_images_are_of_their_class_and_seed(engine, wait):
    picture = wait(images.grow(engine("greys"), "2", 7, 5))
    # Five in three columns, each 2 x 3 pixels and one apart: 5 x 11, and 58 times as large.
    assert picture.shape == (5 * 58, 11 * 58, 3) and picture.dtype == np.uint8
    latents = np.random.default_rng(7).standard_normal((5, 5), "float32")[:, 0]
    expected = np.rint((np.clip(latents / 4 - 0.5, -1, 1) + 1) * 127.5)
    wanted = np.full((5, 11), 255)
    for place, grey in enumerate(expected):
        top, left = 3 * (place // 3), 4 * (place % 3)
        wanted[top : top + 2, left : left + 3] = grey
    np.testing.assert_array_equal(picture[29::58, 29::58, 0], wanted)


def test_any_class_is_drawn_by_the_seed(engine):
    greys = engine("greys")
    labels = images.labels_of(greys, images.ANY, 3, 200)
    assert set(labels) == {0, 1, 2} and labels == images.labels_of(greys, images.ANY, 3, 200)
    assert labels != images.labels_of(greys, images.ANY, 4, 200)
    assert images.labels_of(greys, "1", 3, 2) == [1, 1]


def test_a_walk_begins_and_ends_at_the_images_of_its_seeds(engine, wait):
    way = np.stack(wait(images.walk(engine("greys"), "1", 5, 8)))[:, 0, 0, 0]
    assert len(way) == images.STEPS
    for end, seed in ((way[0], 5), (way[-1], 8)):
        first = np.random.default_rng(seed).standard_normal((1, 5), "float32")[0, 0]
        assert end == pytest.approx(first / 4 - 0.25, abs=1e-6)
    assert np.abs(np.diff(way)).max() < np.ptp(way) / 4


def test_the_sphere_is_kept_to():
    a, b = np.array([3.0, 0.0]), np.array([0.0, 3.0])
    points = images.slerp(a, b, np.array([0, 1 / 3, 1]))
    turned = 3 * np.array([math.cos(math.pi / 6), math.sin(math.pi / 6)])
    np.testing.assert_allclose(points, [a, turned, b], atol=1e-6)
    np.testing.assert_allclose(images.slerp(a, a, np.array([0.5])), [a], atol=1e-5)


def test_a_place_on_the_way_is_looked_at():
    way = [np.full((2, 2, 1), grey, "float32") for grey in (-1, 0, 1)]
    assert images.stop_at(None, 1) is None
    assert [images.stop_at(way, place)[0, 0, 0] for place in range(3)] == [0, 128, 255]


def test_each_hidden_word_gets_its_guesses(engine, wait):
    one = wait(filling.fill(engine("masks"), "a [MASK]", 2))
    assert one == bars([("<b>", 0.5), ("blue", 0.25)])
    two = wait(filling.fill(engine("masks"), "[MASK] and [MASK]", 1))
    assert two == bars([("<b>", 0.5)], "Word 1 of 2") + bars([("<b>", 0.5)], "Word 2 of 2")
    assert "no [MASK]" in wait(filling.fill(engine("masks"), "all is there", 2))


def test_bars_are_as_long_as_their_shares_and_nothing_is_html():
    drawn = bars([("<i>&", 0.25), ("b", -0.5)], "<title>")
    assert "&lt;i&gt;&amp;" in drawn and "&lt;title&gt;" in drawn and "<i>" not in drawn
    assert "width: 25.0%" in drawn and "width: 0.0%" in drawn and "-0.500" in drawn


def test_classes_have_their_probabilities(engine, wait):
    found = wait(classifying.classify(engine("lengths"), "12345"))
    assert found == {"short": 0.125, "middling": 0.75, "long": 0.125}


def test_entities_stand_in_their_text(engine, wait):
    names = engine("names")
    assert wait(tagging.tag(names, "Äé is in")) == [
        ("Äé", "PER 0.50"),
        (" ", None),
        ("is i", "LOC 0.75"),
        ("n", None),
    ]
    assert wait(tagging.tag(names, "nobody")) == [("nobody", None)]


def test_an_answer_is_a_place_in_the_document(engine, wait):
    places = engine("places")
    assert wait(answering.answer(places, "who", "Ä→cdefg")) == (
        "cde",
        [("Ä→", None), ("cde", "answer 0.75"), ("fg", None)],
    )
    said, pieces = wait(answering.answer(places, "?", "abc"))
    assert said == "The document does not say (0.25)." and pieces == [("abc", None)]


def test_the_closest_lines_come_first(engine, wait):
    lines = ["x" * length for length in (23, 5, 11, 17)]
    found = wait(searching.search(engine("angles"), "y" * 13, "\n\n".join([*lines, lines[0]]), 3))
    closest = [(length, math.cos((length - 13) / 10)) for length in (11, 17, 5)]
    assert found == bars([("x" * length, cosine) for length, cosine in closest], wide=True)


def test_more_lines_than_the_engine_takes_at_once(engine, wait):
    texts = ["x" * length for length in range(1, 80)]  # 37 rows are the limit
    vectors = wait(searching.embed(engine("angles"), texts))
    np.testing.assert_allclose(vectors[:, 0], np.cos(np.arange(1, 80) / 10), atol=1e-6)


@pytest.mark.parametrize(("texts", "count"), [(" \n", 0), ("\n".join(map(str, range(2001))), 2001)])
def test_there_must_be_lines_to_search(engine, wait, texts, count):
    with pytest.raises(gr.Error, match=f"from 1 to 2000 lines; there are {count}"):
        wait(searching.search(engine("angles"), "a", texts, 3))


def test_the_page_has_a_tab_for_each_model(service):
    page = create_page(service)
    labels = [block.label for block in page.blocks.values() if isinstance(block, gr.Tab)]
    assert labels == list(service.models)
    assert not page.analytics_enabled
    length = next(b for b in page.blocks.values() if getattr(b, "label", "") == "Length")
    assert (length.minimum, length.maximum) == (1, 61)
    classes = next(b for b in page.blocks.values() if getattr(b, "label", "") == "Class")
    assert [value for _, value in classes.choices] == ["any", "0", "1", "2"]


@pytest.mark.parametrize("task", [None, "arithmetic"])
def test_a_task_without_a_tab_is_refused(task):
    with pytest.raises(ValueError, match=f"that of 'sums' names {task}. Export it with"):
        find_tab("sums", task)
