"""Pieces of a text end where characters end, whatever bytes a model writes."""

import codecs

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

import tfzoo
from tfzoo.models.generation_graphs import generate_texts
from tfzoo.models.streamed_generation import continue_texts, start_texts, unfinished_bytes

# Whole characters, beginnings of others, and bytes that occur in no text.
PARTS = [text.encode() for text in ("a", "é", "€", "😀", "\u0800", "\U00010000")]
PARTS += [part[:length] for part in PARTS for length in range(1, len(part))]
PARTS += [b"\x80", b"\xbf", b"\xc0", b"\xc1", b"\xf5", b"\xff", b"\xed\xa0\x80", b"\xf4\x90"]


def transcode(data):
    return tf.strings.unicode_transcode([data], "UTF-8", "UTF-8").numpy()[0]


@pytest.mark.parametrize("text", ["é", "€", "😀", "x\U0010ffff"])
def test_what_is_held_back_is_the_unfinished_character(text):
    data = text.encode()
    cuts = [data[:length] for length in range(len(data) + 1)]
    decode = codecs.getincrementaldecoder("utf-8")
    expected = [len(cut) - len(decode().decode(cut).encode()) for cut in cuts]
    assert unfinished_bytes(tf.constant(cuts)).numpy().tolist() == expected


@hypothesis.given(st.lists(st.sampled_from(PARTS), max_size=9), st.data())
def test_pieces_of_any_bytes_join_to_the_whole(parts, data):
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    pieces, pending = [], b""
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        pending += whole[start:end]
        shown = len(pending) - int(unfinished_bytes(tf.constant([pending]))[0])
        pieces.append(transcode(pending[:shown]))
        pending = pending[shown:]
    assert b"".join(pieces) + transcode(pending) == transcode(whole)


def test_a_model_that_writes_any_bytes_streams_what_it_generates():
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(
        tfzoo.preprocessing.ByteTokenizer(), sequence_length=11
    )
    backbone = tfzoo.models.GPTBackbone(257, 1, 2, 14, max_sequence_length=101)
    model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
    texts = tf.constant(["", "ä b", "a longer text"])
    settings = dict(temperature=2.0, top_k=0, top_p=1.0, seed=5)
    settings = {name: tf.constant(value) for name, value in settings.items()}
    whole = generate_texts(model, texts, tf.constant(61), **settings)["text"].numpy()
    output = start_texts(model, texts, tf.constant(61), **settings)
    pieces = [output.pop("new_text").numpy()]
    while not output["finished"].numpy().all():
        output = continue_texts(model, **output)
        pieces.append(output.pop("new_text").numpy())
    joined = [
        text + b"".join(row) for text, row in zip(texts.numpy(), np.transpose(pieces), strict=True)
    ]
    assert joined == whole.tolist()
    assert any("�" in text.decode() for text in joined) and len(pieces) == 9
    [piece.decode() for row in pieces for piece in row]
