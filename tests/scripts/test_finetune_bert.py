"""The fine-tuning script from end to end, with a tiny BERT on a few lines of each kind of file."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

from tfzoo.models import BertBackbone, BertTextClassifier
from tfzoo.preprocessing import TextClassifierPreprocessor, WordPieceTokenizer

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TOKENS = "[PAD] [UNK] [CLS] [SEP] ann bo sang fell who".split()
ANSWER = {"text": "ann", "answer_start": 0}
QUESTION = {"id": "1", "question": "who sang", "answers": [ANSWER]}
PARAGRAPH = {"context": "ann sang and bo fell", "qas": [QUESTION]}
FILES = {
    "a.tsv": "ann sang\tsong\nbo fell\tfall\nbo sang\tsong\nann fell\tfall\n",
    "a.conll": "ann B-who\nsang O\n\nbo B-who\nfell O\n",
    "a.json": json.dumps({"data": [{"paragraphs": [PARAGRAPH]}]}),
}


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "preset"
    backbone = BertBackbone(len(TOKENS), 1, 2, hidden_dim=8, max_sequence_length=512)
    preprocessor = TextClassifierPreprocessor(WordPieceTokenizer(TOKENS))
    BertTextClassifier(backbone, preprocessor, ["a", "b"]).save_to_preset(folder)
    return folder


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("finetune_bert")


@pytest.mark.parametrize(
    ("name", "metric", "beside"),
    [
        ("a.tsv", "accuracy", "100.00"),
        ("a.conll", "entity_f1", "100.00"),
        ("a.json", "f1", None),
    ],
)
def test_each_kind_of_file_gives_a_row(
    script, preset, tmp_path, monkeypatch, capsys, name, metric, beside
):
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    command = ["finetune_bert.py", "--preset", str(preset), "--dtype", "float32"]
    command += ["--train", str(path), "--validation", str(path), "--test", str(path)]
    command += ["--epochs", "2", "--learning-rate", "0.03", "--seeds", "0", "1"]
    monkeypatch.setattr(sys, "argv", command)
    script.main()
    printed = capsys.readouterr().out
    scores = [float(score) for score in re.findall(rf"seed \d: {metric} ([\d.]+),", printed)]
    assert len(scores) == 2
    head, _, row = printed.strip().splitlines()[-3:]
    data, found, baseline, minutes = row.strip("| ").split(" | ")
    assert head.startswith(f"| data | {metric}, % |") and data == str(path)
    assert float(found.split(" ± ")[0]) == pytest.approx(50 * sum(scores), abs=0.01)
    assert beside is None or baseline == beside
    assert f"val_{metric}" in printed


def test_names_say_the_kind(script):
    kinds = {
        "": "texts",
        "a.TSV": "texts",
        "a.csv.gz": "texts",
        "tfds:imdb_reviews@train": "texts",
        "train.conll": "words",
        "ner.txt": "words",
        "squad.json": "answers",
    }
    assert {name: script.kind_of(name) for name in kinds} == kinds
