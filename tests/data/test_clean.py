import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfzoo.data import (
    DEFAULT_STEPS,
    DropExactDuplicates,
    DropShort,
    MaskPersonalData,
    NormalizeUnicode,
    RemoveControlCharacters,
    StepReport,
    clean,
)

any_text = st.text(st.characters(codec=None), max_size=20)


@pytest.mark.parametrize(
    ("form", "expected"),
    [("NFC", "\u00e9 \ufb01"), ("NFD", "e\u0301 \ufb01"), ("NFKC", "\u00e9 fi")],
)
def test_normalize_unicode(form, expected):
    assert NormalizeUnicode(form)(["e\u0301 \ufb01"]) == [expected]


def test_remove_control_characters():
    step = RemoveControlCharacters()
    assert step(["a\x00b\x07c\x1b[0m\x7f\x9bd"]) == ["abc[0md"]
    assert step(["a\r\nb\rc\x0bd\x0ce\x85f\tg\nh"]) == ["a\nb\nc\nd\ne\nf\tg\nh"]
    assert step(["\ufeffa\ud800b"]) == ["ab"]
    family = "\U0001f468\u200d\U0001f469 \u0645\u06cc\u200c\u062e \u200fx"
    assert step([family]) == [family]


@given(any_text)
def test_what_is_left_can_be_written_as_utf_8(text):
    (cleaned,) = RemoveControlCharacters()([text])
    cleaned.encode("utf-8")
    assert all(
        character.isprintable() or character >= " " or character in "\t\n" for character in cleaned
    )
    assert RemoveControlCharacters()([cleaned]) == [cleaned]


def test_drop_short_does_not_count_surrounding_space():
    assert DropShort(3)(["abc", " ab ", "a b", ""]) == ["abc", None, "a b", None]
    assert DropShort()([" \n", "a"]) == [None, "a"]


def test_drop_exact_duplicates_keeps_the_first():
    documents = ["b", "a", "b", "B", "a", "b"]
    assert DropExactDuplicates()(documents) == ["b", "a", None, "B", None, None]


def test_clean_runs_the_steps_in_order_and_counts():
    documents = ["cafe\u0301", "caf\u00e9", "\x00", "x" * 20, "y" * 20]
    kept, report = clean(documents)
    assert kept == ["caf\u00e9", "x" * 20, "y" * 20]
    counts = [(row.documents, row.removed, row.changed) for row in report.steps]
    assert counts == [(5, 0, 1), (5, 0, 1), (5, 1, 0), (4, 1, 0), (3, 0, 0)]


def test_steps_are_switched_and_personal_data_stay_by_default():
    documents = ["ada@example.org", "ada@example.org"]
    assert clean(documents, [])[0] == documents
    assert clean(documents)[0] == ["ada@example.org"]
    assert clean(documents, [*DEFAULT_STEPS, MaskPersonalData()])[0] == ["<EMAIL>"]


@given(st.lists(any_text, max_size=9))
def test_cleaning_twice_changes_nothing_more(documents):
    once, _ = clean(documents)
    assert clean(once)[0] == once


def test_a_function_is_a_step():
    def shout(documents):
        return [document.upper() for document in documents]

    kept, report = clean(["a", "B"], [shout])
    assert kept == ["A", "B"]
    assert report.steps == (StepReport("shout", documents=2, removed=0, changed=1),)


def test_the_report_prints_as_a_table():
    _, report = clean(["a", "a", "b" * 5], [DropExactDuplicates(), DropShort(2)])
    assert repr(report).splitlines() == [
        "step                         documents    removed    changed",
        "DropExactDuplicates()                3          1          0",
        "DropShort(min_characters=2)          2          1          0",
    ]


def test_steps_are_values():
    assert NormalizeUnicode() == NormalizeUnicode("NFC") != NormalizeUnicode("NFD")
    with pytest.raises(dataclasses.FrozenInstanceError):
        DropShort().min_characters = 2


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="got <class .*DropShort'>: a class needs its parentheses"):
        clean(["a"], [DropShort])
    with pytest.raises(TypeError, match="steps must be callables .* got 'nfc'"):
        clean(["a"], ["nfc"])
    with pytest.raises(ValueError, match="returned 1 entries for 2 documents"):
        clean(["a", "b"], [lambda documents: documents[:1]])
    with pytest.raises(TypeError, match="got NoneType at position 1"):
        clean(["a", None])
    with pytest.raises(ValueError, match="form must be one of NFC, .* got 'nfc'"):
        NormalizeUnicode("nfc")
    with pytest.raises(ValueError, match="min_characters .* at least 1, got 0"):
        DropShort(0)
