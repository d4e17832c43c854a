import hypothesis
import hypothesis.strategies as st
import pytest

from tfzoo.preprocessing import TextStream

EVERY_BYTE = [bytes([byte]) for byte in range(256)]


def streamed(pieces, stop_strings=()):
    """What a stream gives for each push of bytes, and at the end."""
    stream = TextStream(EVERY_BYTE, stop_strings)
    return [stream.push(piece) for piece in pieces] + [stream.finish()], stream.stopped


def cut(data, places):
    """Splits bytes at places, which may repeat."""
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[start:stop] for start, stop in zip(edges, edges[1:], strict=False)]


def naive(text, stop_strings):
    """Character by character: the text before the first stop string that is complete."""
    for end in range(1, len(text) + 1):
        done = [stop for stop in stop_strings if text[:end].endswith(stop)]
        if done:
            return text[: end - max(map(len, done))], True
    return text, False


PLACES = st.lists(st.integers(0, 40), max_size=12)
# Few letters, so that stop strings occur, overlap and nearly occur.
LETTERS = st.text("abé", max_size=20)
STOPS = st.lists(st.text("abé", min_size=1, max_size=4), max_size=3)


@hypothesis.given(st.text(), PLACES)
def test_never_half_a_character_and_the_whole_text_in_the_end(text, places):
    pieces, stopped = streamed(cut(text.encode(), places))
    assert "".join(pieces) == text and not stopped
    assert all(piece in text for piece in pieces)


@hypothesis.given(st.binary(max_size=30), PLACES)
def test_bytes_that_are_no_text_are_replaced_as_python_does(data, places):
    pieces, _ = streamed(cut(data, places))
    assert "".join(pieces) == data.decode("utf-8", "replace")


@hypothesis.given(LETTERS, STOPS, PLACES)
@hypothesis.settings(max_examples=500)
def test_stop_strings_stop_however_the_tokens_were_pushed(text, stop_strings, places):
    pieces, stopped = streamed(cut(text.encode(), places), stop_strings)
    assert ("".join(pieces), stopped) == naive(text, stop_strings)


@hypothesis.given(LETTERS, STOPS, PLACES)
@hypothesis.settings(max_examples=300)
def test_nothing_is_held_back_without_need(text, stop_strings, places):
    seen = b""
    stream, given = TextStream(EVERY_BYTE, stop_strings), ""
    for piece in cut(text.encode(), places):
        given += stream.push(piece)
        seen += piece
        if stream.stopped:
            break
        certain = seen.decode(errors="ignore")
        waiting = certain[len(given) :]
        assert certain.startswith(given)
        assert not waiting or any(s.startswith(waiting) and s != waiting for s in stop_strings)


def test_a_held_back_end_comes_when_it_turns_out_to_be_none():
    pieces, stopped = streamed([b"say EN", b"T", b" and EN"], ["END"])
    assert pieces == ["say ", "ENT", " and ", "EN"] and not stopped


def test_after_a_stop_nothing_follows():
    pieces, stopped = streamed([b"a#b", b"c", b"d"], ["#"])
    assert pieces == ["a", "", "", ""] and stopped


def test_half_a_character_at_the_very_end_is_replaced():
    assert streamed(["é".encode()[:1]]) == (["", "\ufffd"], False)


def test_tokens_are_looked_up_and_special_ones_are_silent():
    stream = TextStream([b"Ham", b"let", b""])
    assert stream.push([0, 2, 1]) == "Hamlet"


def test_one_stop_string_needs_no_list():
    assert streamed([b"a D b END c"], "END") == (["a D b ", ""], True)


def test_the_empty_stop_string_is_refused():
    with pytest.raises(ValueError, match="`stop_strings` must not hold the empty string"):
        TextStream(EVERY_BYTE, ["END", ""])
