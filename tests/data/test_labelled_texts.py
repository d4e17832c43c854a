import gzip
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfzoo.data import LabelledTexts, load_labelled_texts


def write(path, content):
    content = content.encode("utf-8") if isinstance(content, str) else content
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


EXPECTED = LabelledTexts(['say "hi"', "stop \u4f60"], ["greet", "7"])


@pytest.mark.parametrize(
    ("name", "content", "arguments"),
    [
        ("a.tsv", 'say "hi"\tgreet\nstop \u4f60\t7\n', {}),
        ("b.tsv.gz", 'text\tlabel\nsay "hi"\tgreet\r\n\nstop \u4f60\t 7 \n', {}),
        ("c.tsv", 'greet\t0\tsay "hi"\n7\t1\tstop \u4f60\n', {"text": 2, "label": 0}),
        ("a.csv", 'label,text\ngreet,"say ""hi"""\n7,stop \u4f60\n', {}),
        ("b.csv", 'k,t\ngreet,"say ""hi"""\n7,stop \u4f60\n', {"text": "t", "label": "k"}),
        ("c.csv", '"say ""hi""",greet\nstop \u4f60,7\n', {"text": 0}),
        (
            "a.jsonl",
            '{"text": "say \\"hi\\"", "label": "greet"}\n\n{"label": 7, "text": "stop 你"}',
            {},
        ),
    ],
)
def test_every_format_says_the_same(tmp_path, name, content, arguments):
    assert load_labelled_texts(write(tmp_path / name, content), **arguments) == EXPECTED
    assert EXPECTED.class_names == ["7", "greet"]


def test_pairs_and_several_labels(tmp_path):
    path = write(tmp_path / "a.csv", "a,b,label\none,two,x;y\nthree,four,\n")
    texts, labels = load_labelled_texts(
        path, text="a", pair="b", label="label", label_separator=";"
    )
    assert texts == [("one", "two"), ("three", "four")]
    assert labels == [["x", "y"], []]
    assert LabelledTexts(texts, labels).class_names == ["x", "y"]
    records = [{"text": "one", "label": ["x", "y"]}, {"text": "two", "label": []}]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, records)))
    assert load_labelled_texts(path).labels == [["x", "y"], []]


def test_several_files_follow_each_other(tmp_path):
    write(tmp_path / "b.tsv", "two\ty\n")
    write(tmp_path / "a.tsv", "text\tlabel\none\tx\n")
    assert load_labelled_texts(f"{tmp_path}/*.tsv") == (["one", "two"], ["x", "y"])
    assert load_labelled_texts(tmp_path) == (["one", "two"], ["x", "y"])


def test_real_intents(data_dir):
    texts, labels = load_labelled_texts(data_dir / "sgd" / "intents_dev.tsv")
    assert len(texts) == len(labels) == 2724
    assert len(set(labels)) == 34


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("tfds")
    features = {
        "text": tfds.features.Text(),
        "label": tfds.features.ClassLabel(names=["bad", "good"]),
        "stars": np.int64,
    }
    rows = [("fine", 1, 5), ("d\u00fcll", 0, 2), ("awful", 0, 1)]
    tfds.dataset_builders.store_as_tfds_dataset(
        name="reviews",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        data_dir=data_dir,
        disable_shuffling=True,
        split_datasets={
            "train": [(n, dict(zip(features, row, strict=True))) for n, row in enumerate(rows)]
        },
    )
    return data_dir


def test_tfds_gives_names_of_classes(prepared):
    examples = load_labelled_texts("tfds:reviews", data_dir=prepared)
    assert examples == (["fine", "d\u00fcll", "awful"], ["good", "bad", "bad"])
    part = load_labelled_texts("tfds:reviews", data_dir=prepared, label="stars", split="train[1:]")
    assert part == (["d\u00fcll", "awful"], ["2", "1"])
    with pytest.raises(ValueError, match="example 0 has no field 'body'; it has .*text"):
        load_labelled_texts("tfds:reviews", data_dir=prepared, text="body")


BAD = {
    "a.tsv": ("one\tx\ntwo\n", {}, "a.tsv, line 2 has 1 columns: expected 2"),
    "b.tsv": ("one\tx\ntwo\ty\tz\n", {}, "b.tsv, line 2 has 3 columns: expected 2"),
    "c.tsv": ("one\tx\ntwo\t \n", {}, "c.tsv, line 2 has no label: write one"),
    "d.tsv": (
        "one\tx\n\ntwo\ty\n",
        {"class_names": ["z", "x"]},
        "d.tsv, line 3: the label 'y' is not in the list of 2 labels, which begins with x, z",
    ),
    "e.tsv": (b"one\tx\ntw\xe9\tx\n", {}, "e.tsv, line 2, is not UTF-8 at byte 8"),
    "f.tsv": ("", {}, "f.tsv, line 1 has no column 0 for `text`; it has 0 columns: none"),
    "g.tsv": ("text\tlabel\n", {}, "g.tsv' has no rows"),
    "h.tsv": ("a\tb\n", {"text": 5}, "line 1 has no column 5 for `text`; it has 2 columns: a, b"),
    "a.csv": ('text,label\none,"x"y\n', {}, "a.csv, line 2 is not a table"),
    "b.csv": ("text,label\n1,x\n", {"label": "kind"}, "line 1 has no column 'kind' for `label`"),
    "c.csv": ("body,kind\n1,x\n", {}, "c.csv, line 1 has no column 'text' .* columns: body, kind"),
    "a.jsonl": ('{"text": "a", "label": "x"}\n{"text": "b"', {}, "a.jsonl, line 2 is not JSON"),
    "b.jsonl": ('{"text": 3, "label": "x"}', {}, "line 1: text must be a string, got int"),
    "c.jsonl": ('{"text": "a", "label": 0.5}', {}, "line 1: a label must be a string or a whole"),
    "d.jsonl": ('{"text": "a", "kind": 1}', {}, "line 1 has no field 'label'; it has text, kind"),
    "a.txt": ("one\tx\n", {}, "a.txt must be a .tsv, .csv or .jsonl file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_named(tmp_path, name):
    content, arguments, sentence = BAD[name]
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=sentence):
        load_labelled_texts(path, **arguments)


def test_a_missing_file_and_a_part_that_is_none_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file or folder"):
        load_labelled_texts(tmp_path / "none.tsv")
    with pytest.raises(ValueError, match="split='train': only 'tfds:...' has parts"):
        load_labelled_texts(write(tmp_path / "a.tsv", "a\tb\n"), split="train")
