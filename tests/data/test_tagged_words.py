import pytest
import tensorflow_datasets as tfds

from tfzoo.data import TaggedWords, load_tagged_words

EXPECTED = TaggedWords(
    [["Ann", "Lee", "sang", "\u4f60"], ["#"]], [["B-who", "I-who", "O", "B-what"], ["O"]]
)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.mark.parametrize(
    ("name", "content", "arguments"),
    [
        ("a.conll", "Ann B-who\nLee I-who\nsang O\n\u4f60 B-what\n\n# O\n", {}),
        ("a.tsv", "Ann\tB-who\nLee\tI-who\nsang\tO\n\u4f60\tB-what\n\n\n#\tO", {}),
        (
            "a.txt",
            "-DOCSTART- X O\n\nAnn N B-who\r\nLee N I-who\r\nsang V O\r\n"
            "\u4f60 N B-what\r\n\r\n# X O",
            {},
        ),
        (
            "b.txt",
            "1 Ann B-who x\n2 Lee I-who x\n3 sang O x\n4 \u4f60 B-what x\n \n1 # O x\n",
            {"words": 1, "tags": 2},
        ),
        (
            "a.jsonl",
            '{"words": ["Ann", "Lee", "sang", "\u4f60"], '
            '"tags": ["B-who", "I-who", "O", "B-what"]}\n'
            '{"words": ["#"], "tags": ["O"]}\n',
            {},
        ),
    ],
)
def test_every_format_says_the_same(tmp_path, name, content, arguments):
    assert load_tagged_words(write(tmp_path / name, content), **arguments) == EXPECTED
    assert EXPECTED.entity_names == ["what", "who"]


def test_real_slots(data_dir):
    sentences = load_tagged_words(data_dir / "sgd" / "slots_dev.conll")
    assert len(sentences.words) == 2995
    assert all(len(w) == len(t) for w, t in zip(*sentences, strict=True))


def test_tfds_gives_names_of_tags(tmp_path):
    features = tfds.features.FeaturesDict(
        {
            "tokens": tfds.features.Sequence(tfds.features.Text()),
            "ner": tfds.features.Sequence(tfds.features.ClassLabel(names=["O", "B-a", "I-a"])),
        }
    )
    rows = [(["x", "\u00fc"], [1, 2]), (["z"], [0])]
    tfds.dataset_builders.store_as_tfds_dataset(
        name="names",
        version="1.0.0",
        features=features,
        data_dir=tmp_path,
        disable_shuffling=True,
        split_datasets={"train": [(n, {"tokens": w, "ner": t}) for n, (w, t) in enumerate(rows)]},
    )
    sentences = load_tagged_words("tfds:names", words="tokens", tags="ner", data_dir=tmp_path)
    assert sentences == ([["x", "\u00fc"], ["z"]], [["B-a", "I-a"], ["O"]])


BAD = {
    "a.conll": ("Ann B-x\nsang\n", {}, "a.conll, line 2 has 1 columns: expected 2"),
    "b.conll": ("Ann B-x\nsang O O\n", {}, "b.conll, line 2 has 3 columns: expected 2"),
    "c.conll": ("Ann\n", {}, "c.conll, line 1 has 1 columns: expected 2, a word and its tag"),
    "d.conll": ("Ann B-x\n\nshe S-x\n", {}, "line 3: the tag must be O, B-name or I-name, got"),
    "e.conll": (
        "Ann B-x\nLee B-y\n",
        {"entity_names": ["x"]},
        "line 2: the label 'y' is not in the list of 1 labels, which begins with x",
    ),
    "f.conll": (b"Ann B-x\nL\xe9e I-x\n", {}, "f.conll, line 2, is not UTF-8 at byte 9"),
    "g.conll": ("\n\n", {}, "g.conll' has no sentence"),
    "h.conll": ("Ann B-x\n", {"words": 7}, "`words` must be an int, .* from 0 to 1; received 7"),
    "i.conll": ("Ann B-x\n", {"tags": "ner"}, "`tags` must be an int, .* to 1; received 'ner'"),
    "a.jsonl": ('{"words": ["a", "b"], "tags": ["O"]}', {}, "line 1 has 2 words and 1 tags"),
    "b.jsonl": ('{"words": "ab", "tags": ["O"]}', {}, "line 1: words must be a list of strings"),
    "c.jsonl": ('{"words": ["a"], "ner": ["O"]}', {}, "has no field 'tags'; it has words, ner"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_lines_are_named(tmp_path, name):
    content, arguments, sentence = BAD[name]
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=sentence):
        load_tagged_words(path, **arguments)
