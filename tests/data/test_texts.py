import csv
import gzip
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfzoo.data import Corpus, iterate_texts, load_corpus, load_texts, python_stdlib, split

PROSE = "One\u00e9 two.\nThree.\n\n \nFour \u4f60.\n"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content.encode("utf-8") if isinstance(content, str) else content
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.TXT", "a.txt.gz", "a.md", "noending"])
@pytest.mark.parametrize(
    ("document_per", "expected"),
    [
        ("text", [PROSE]),
        ("paragraph", ["One\u00e9 two.\nThree.", "Four \u4f60."]),
        ("line", ["One\u00e9 two.", "Three.", "Four \u4f60."]),
    ],
)
@pytest.mark.parametrize("as_path", [str, Path])
def test_plain_text(tmp_path, name, document_per, expected, as_path):
    path = write(tmp_path / name, PROSE)
    assert load_texts(as_path(path), document_per=document_per) == expected


def test_other_systems_line_ends_and_byte_order_marks(tmp_path):
    path = write(tmp_path / "a.txt", b"\xef\xbb\xbfone\r\ntwo\r\n\r\nthree\r\n")
    assert load_texts(path) == ["one\ntwo\n\nthree\n"]
    assert load_texts(path, document_per="line") == ["one", "two", "three"]
    assert load_texts(path, document_per="paragraph") == ["one\ntwo", "three"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_jsonl(tmp_path, name):
    records = [{"text": "one\nline", "n": 1}, {"n": 2, "text": "\u4f60"}, {"text": " "}]
    path = write(tmp_path / name, "\n\n".join(map(json.dumps, records)))
    assert load_texts(path) == ["one\nline", "\u4f60"]
    assert load_texts(path, document_per="line") == ["one", "line", "\u4f60"]
    assert load_texts(write(tmp_path / "b.jsonl", '{"body": "b"}\n'), field="body") == ["b"]


def test_csv_quotes(tmp_path):
    path = write(tmp_path / "a.csv", 'label,text\r\n1,"say ""hi"",\nthen"\r\n\r\n2,plain\r\n')
    assert load_texts(path) == ['say "hi",\nthen', "plain"]
    assert load_texts(path, field="label") == ["1", "2"]
    assert load_texts(path, field=1) == ["text", 'say "hi",\nthen', "plain"]


def test_tsv_does_not_quote(tmp_path):
    path = write(tmp_path / "a.tsv.gz", '"Hi" she said\tgreet\n"open\task\n')
    assert load_texts(path, field=0) == ['"Hi" she said', '"open']
    assert load_texts(path, field=1) == ["greet", "ask"]


def test_long_cells_are_read(tmp_path):
    for ending, separator in ((".csv", ","), (".tsv", "\t")):
        csv.field_size_limit(131_072)  # Python's default, which another test may have raised
        path = write(tmp_path / f"a{ending}", f"id{separator}text\n1{separator}{'x' * 200_000}\n")
        assert load_texts(path) == ["x" * 200_000]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1).filter(
    lambda text: text.strip() and not text.startswith("\ufeff")
)


@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_what_was_written_is_read(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("written")
    texts = [text for _, text in rows]
    with open(folder / "a.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("key", "text"), *rows])
    with open(folder / "a.jsonl", "w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    assert load_texts(folder / "a.csv") == texts
    assert load_texts(folder / "a.jsonl") == texts


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "b.txt", "b")
    write(tmp_path / "a" / "z.jsonl", '{"text": "z"}\n')
    write(tmp_path / "a" / "deep" / "y.csv.gz", "text\ny\n")
    write(tmp_path / "a" / "empty.txt", "\n ")
    write(tmp_path / "a" / "picture.png", b"\xff\xd8")
    write(tmp_path / ".hidden.txt", "hidden")
    write(tmp_path / ".git" / "c.txt", "hidden")
    write(tmp_path / "c.md", "c")
    return tmp_path


def test_a_folder_is_read_to_the_bottom_in_order(folder):
    assert load_texts(folder) == ["y", "z", "b"]
    assert load_texts(f"{folder}/") == ["y", "z", "b"]


def test_patterns(folder):
    assert load_texts(f"{folder}/*.md") == ["c"]
    assert load_texts(f"{folder}/[bc].*") == ["b", "c"]
    assert load_texts(f"{folder}/**/*.txt") == ["b"]
    assert load_texts(f"{folder}/**/?.*", document_per="line") == ["y", "z", "b", "c"]
    assert load_texts(write(folder / "odd[1].txt", "odd")) == ["odd"]


def test_a_tilde_is_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    assert load_texts("~/b.txt") == ["b"]


def test_python_strings():
    assert load_texts(("a", " ", "b\n\nc")) == ["a", "b\n\nc"]
    assert load_texts(["a", "b\n\nc"], document_per="paragraph") == ["a", "b", "c"]
    assert list(itertools.islice(iterate_texts(str(i) for i in itertools.count()), 3)) == [
        "0",
        "1",
        "2",
    ]


def test_the_built_in_corpus_has_a_name():
    corpus = python_stdlib()
    assert load_texts("python_stdlib", split="validation") == corpus.validation
    assert sorted(load_texts("python_stdlib")) == sorted(sum(corpus, []))
    assert load_corpus("python_stdlib") == corpus


def test_a_large_file_is_read_as_it_is_needed(tmp_path):
    # The damage at the end is met only by whoever reads to the end.
    path = write(tmp_path / "a.txt", b"line\n" * 50_000 + b"\xff\n")
    assert list(itertools.islice(iterate_texts(path, document_per="line"), 3)) == ["line"] * 3
    with pytest.raises(ValueError, match="at byte 250000 "):
        list(iterate_texts(path, document_per="line"))


def test_load_corpus_splits_by_document_or_by_position(tmp_path):
    documents = [f"document {i}" for i in range(300)]
    path = write(tmp_path / "a.txt", "\n".join(documents))
    corpus = load_corpus(path, document_per="line", validation=0.2, test=0.1, seed=5)
    assert corpus == split(documents, validation=0.2, test=0.1, seed=5)
    whole = path.read_text()
    assert load_corpus(path, validation=0.1, test=0) == Corpus(
        [whole[: int(0.9 * len(whole))]], [whole[int(0.9 * len(whole)) :]], []
    )


DAMAGED = gzip.compress(b"one line of text\n" * 999)

BAD_FILES = {
    "a.txt.gz": (DAMAGED[:-9], {}, "is not a whole gzip file: .* Fetch it or compress it again"),
    "b.txt.gz": (b"no gzip", {}, "is not a whole gzip file: Not a gzipped file"),
    "c.txt.gz": (DAMAGED[:30] + b"\0" * 20 + DAMAGED[50:], {}, "is not a whole gzip file: "),
    "a.txt": (
        b"one\ntw\xe9o\n",
        {},
        r"a.txt, line 2, is not UTF-8 at byte 6 \(value 0xe9\): .* errors='replace'",
    ),
    "b.txt": (b" \n\t\n", {}, "b.txt' holds no text: expected at least one document"),
    "a.jsonl": (b'{"text": "a"}\n\n{"text": \n', {}, "a.jsonl, line 3 is not JSON: .* column 9"),
    "b.jsonl": (b'{"text": "a"}\n["a"]', {}, "line 2: expected a JSON object, got list"),
    "c.jsonl": (b'{"body": "a", "id": 3}', {}, "line 1 has no field 'text'; it has body, id"),
    "d.jsonl": (b'{"text": null}', {}, "line 1: field 'text' must be a string, got NoneType"),
    "e.jsonl": (b'{"text": "a\xff"}', {}, "not UTF-8 at byte 11"),
    "a.csv": (b"id,body\n1,a\n", {}, "no column 'text'; its first line has id, body"),
    "b.csv": (b"id,text\n1,a\n2\n", {}, "line 3 has 1 columns: expected at least 2 .* 'text'"),
    "c.csv": (b'id,text\n1,"a"b\n', {}, "c.csv, line 2 is not a table: ',' expected after"),
    "d.csv": (b"", {}, "no column 'text'; its first line has none"),
    "a.tsv": (b"a\tb\n", {"field": 2}, "line 1 has 2 columns: expected at least 3"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_damaged_files_are_named(tmp_path, name):
    content, arguments, sentence = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=sentence) as error:
        load_texts(tmp_path / name, **arguments)
    assert name in str(error.value)


def test_bytes_that_are_not_utf_8_can_be_replaced_or_ignored(tmp_path):
    path = write(tmp_path / "a.txt", b"tw\xe9o")
    assert load_texts(path, errors="replace") == ["tw\ufffdo"]
    assert load_texts(path, errors="ignore") == ["two"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("missing.txt", "There is no file or folder 'missing.txt': check the path, write 'tfds:'"),
        ("To be, or not to be.", "There is no file or folder 'To be, .* into a list"),
        ("x" * 5000, "There is no file or folder 'x{200}': check"),
        ("missing/*.txt", "No file matches the pattern 'missing/.*txt'"),
    ],
)
def test_missing_files_are_named(source, sentence):
    with pytest.raises(FileNotFoundError, match=sentence):
        load_texts(source)


def test_a_folder_without_text_is_named(tmp_path):
    write(tmp_path / "a.png", "")
    with pytest.raises(FileNotFoundError, match="has no .txt, .jsonl, .csv, .tsv file"):
        load_texts(tmp_path)


@pytest.mark.parametrize(
    ("source", "arguments", "error", "sentence"),
    [
        (3, {}, TypeError, "documents must be a list .* got int"),
        (b"a", {}, TypeError, "got bytes: put a single text into a list"),
        ({"a": 1}, {}, TypeError, "got dict"),
        (["a", b"b"], {}, TypeError, "must be strings, got bytes at position 1"),
        ([], {}, ValueError, "source holds no text"),
        (["a"], {"document_per": "word"}, ValueError, "one of 'text', 'paragraph', 'line', got"),
        (["a"], {"errors": "loose"}, ValueError, "errors must be one of 'strict', .* got 'loose'"),
        (["a"], {"split": "train"}, ValueError, "split='train': only 'python_stdlib', 'python_d"),
        (["a"], {"field": -1}, ValueError, "field must be a name or a column .* got -1"),
        ("python_stdlib", {"split": "dev"}, ValueError, "split must be one of train, .* got 'dev'"),
    ],
)
@pytest.mark.parametrize("load", [load_texts, lambda *a, **k: list(iterate_texts(*a, **k))])
def test_bad_arguments_are_named(load, source, arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        load(source, **arguments)
