"""Token ids -> text as it comes: whole characters only, and nothing beyond a stop string."""

import codecs


class TextStream:
    r"""Turns the tokens of one text into strings that can be shown at once.

    A byte-level token may end in the middle of a UTF-8 character, and a text may turn out to be the
    beginning of a stop string: such ends are held back until the next tokens decide.

    Args:
        token_bytes: sequence of bytes, what each token id stands for.
        stop_strings: a string or strings that end the text; they are not part of it.

    Example:
        ```python
        from tfzoo.preprocessing import TextStream

        stream = TextStream([b"\xc3", b"\xa9", b" EN", b"D", b" never"], stop_strings=["END"])
        assert stream.push([0]) == ""  # half of a character
        assert stream.push([1]) == "é"
        assert stream.push([2]) == " "  # "EN" may become "END"
        assert stream.push([3, 4]) == "" and stream.stopped
        ```
    """

    def __init__(self, token_bytes, stop_strings=()):
        self.token_bytes = token_bytes
        self.stop_strings = stop_strings_of(stop_strings)
        self.stopped = False
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""

    def push(self, token_ids):
        """Takes the next tokens and returns the text that is now certain."""
        return self._release(b"".join(self.token_bytes[i] for i in token_ids), final=False)

    def finish(self):
        """Returns what was held back: nothing can follow that would change it."""
        return self._release(b"", final=True)

    def _release(self, data, final):
        if self.stopped:
            return ""
        text = self._held + self._decoder.decode(data, final)
        starts = {stop: text.find(stop) for stop in self.stop_strings if stop in text}
        if starts:
            self.stopped, self._held = True, ""
            # The first to be complete, so that it does not matter how the tokens were pushed.
            return text[: min((at + len(stop), at) for stop, at in starts.items())[1]]
        keep = 0 if final else max((_overlap(text, stop) for stop in self.stop_strings), default=0)
        cut = len(text) - keep
        self._held = text[cut:]
        return text[:cut]


def _overlap(text, stop):
    """Length of the longest end of `text` that is a proper beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)


def stop_strings_of(stop_strings):
    """Returns the strings that end a text as a tuple: one may be given, or several."""
    stops = [stop_strings] if isinstance(stop_strings, str) else stop_strings
    if not isinstance(stops, (list, tuple, set)) or not all(isinstance(s, str) for s in stops):
        raise ValueError(
            f"`stop_strings` must be a string, or strings in a list; received {stop_strings!r:.80}."
        )
    if "" in stops:
        raise ValueError("`stop_strings` must not hold the empty string: it stops every text.")
    return tuple(stops)
