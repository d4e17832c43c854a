import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfzoo.data import QuestionAnswerExample, load_squad

CONTEXT = "Änne wrote 🦉 tales in 1897. Bo wrote none."


def question(**changes):
    answers = [{"text": "1897", "answer_start": 22}, {"text": "in 1897", "answer_start": 19}]
    return {"id": "q0", "question": "When?", "answers": answers, **changes}


def document(*questions, context=CONTEXT):
    """One question in a first article, the others in the second paragraph of a second one."""
    first = {"context": "Cy left.", "qas": [question(id="a", answers=[])]}
    paragraphs = [first, {"context": context, "qas": list(questions)}]
    return {"version": "1.1", "data": [{"paragraphs": [first]}, {"paragraphs": paragraphs}]}


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "squad.json"
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(data)
        return path

    return write


def test_reads_every_question_in_order(written):
    impossible = question(
        id="q1",
        is_impossible=True,
        answers=[],
        plausible_answers=[{"text": "Bo", "answer_start": 28}],
    )
    examples = load_squad(written(document(question(), impossible)))
    assert [example.id for example in examples] == ["a", "a", "q0", "q1"]
    answered, unanswered = examples[2:]
    assert answered.context == CONTEXT and answered.question == "When?"
    assert answered.answers == (("1897", 22), ("in 1897", 19))
    # The owl is one character, four bytes and two units of UTF-16.
    assert CONTEXT[answered.answers[0].start :].startswith("1897")
    assert not answered.is_impossible
    assert unanswered.is_impossible and unanswered.answers == ()


def test_a_mark_of_the_byte_order_is_no_text(written):
    examples = load_squad(written(b"\xef\xbb\xbf" + json.dumps(document(question())).encode()))
    assert len(examples) == 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"data": [', r"squad\.json is not JSON at line 1, column 11: .*nothing of it was used"),
        (b'{"data": "\xff"}', r"squad\.json is not UTF-8 at byte 10: save it as UTF-8"),
        (b'{"data": []}', "must hold at least one question; it has none"),
        (b"[1]", r"squad\.json must have the key 'data', .* it has list"),
        ({"version": 2, "rows": []}, r"must have the key 'data', .* it has 'version', 'rows'"),
        ({"data": [{"paragraphs": [7]}]}, r"json: data\[0\]\.paragraphs\[0\] must be an object;"),
        (document(question(answers={})), r"'answers' must be a list; received dict"),
        (document(question(question=None)), r"'question' must be a string; received NoneType"),
        (
            document(question(), {"id": "x", "question": "Why?"}),
            r"data\[1\]\.paragraphs\[1\]\.qas\[1\] must have the key 'answers'",
        ),
        (
            document(question(answers=[{"text": "1897", "answer_start": 23}])),
            r"json: data\[1\]\.paragraphs\[1\]\.qas\[0\] \(id 'q0'\): The answer '1897' must be in "
            r"the context at character 23; received a context with '897.' there.",
        ),
        (
            document(question(answers=[{"text": "none.", "answer_start": -5}])),
            "at character -5",
        ),
        (document(question(answers=[{"text": "", "answer_start": 3}])), "The answer '' must be"),
        (
            document(question(answers=[{"text": "1897", "answer_start": "22"}])),
            r"answers\[0\], 'answer_start' must be a whole number; received str",
        ),
    ],
)
def test_what_is_broken_is_named_with_its_place(written, content, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_squad(written(content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*none\.json"):
        load_squad(tmp_path / "none.json")
    with pytest.raises(ValueError, match="`split` must be None for a file; received 'test'"):
        load_squad(tmp_path / "none.json", split="test")


def test_an_example_checks_itself():
    example = QuestionAnswerExample("When?", CONTEXT, [("1897", 22)])
    assert example.answers[0].text == "1897" and example.answers[0].start == 22
    with pytest.raises(ValueError, match="'1897' must be in the context at character 24"):
        QuestionAnswerExample("When?", CONTEXT, [("1897", 24)])
    with pytest.raises(TypeError, match="`context` must be a string; received bytes"):
        QuestionAnswerExample("When?", CONTEXT.encode())
    with pytest.raises(TypeError, match="must be a string and a whole number of characters"):
        QuestionAnswerExample("When?", CONTEXT, [("1897", 22.0)])


def store(data_dir, answer_start):
    features = {
        "id": tfds.features.Text(),
        "question": tfds.features.Text(),
        "context": tfds.features.Text(),
        "answers": tfds.features.Sequence({"text": tfds.features.Text(), "answer_start": np.int32}),
    }
    example = {"id": "q7", "question": "When?", "context": CONTEXT}
    example["answers"] = {"text": ["1897"], "answer_start": [answer_start]}
    tfds.dataset_builders.store_as_tfds_dataset(
        name=f"asked_{answer_start}",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        data_dir=data_dir,
        disable_shuffling=True,
        split_datasets={"test": [(0, example)]},
    )


def test_reads_data_sets_of_tfds(tmp_path):
    store(tmp_path, 22)
    (example,) = load_squad("tfds:asked_22", split="test", data_dir=tmp_path)
    assert example == QuestionAnswerExample("When?", CONTEXT, [("1897", 22)], "q7")
    store(tmp_path, 21)
    with pytest.raises(ValueError, match=r"tfds:asked_21, example 0 \(id 'q7'\): The answer"):
        load_squad("tfds:asked_21", data_dir=tmp_path)


def test_real_data(data_dir):
    assert len(load_squad(data_dir / "policyqa" / "dev.json")) == 3_809
    xquad = load_squad("tfds:xquad/en", data_dir=data_dir / "tfds")
    assert len(xquad) == 1_190
    assert xquad[0].answers[0].text == "autoimmunity"


def test_answers_are_pairs():
    with pytest.raises(TypeError, match=r"must be a pair `\(text, start\)`; received 'Ann'"):
        QuestionAnswerExample("Who sang?", "Then Ann sang.", ["Ann"])
