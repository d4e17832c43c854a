"""What is saved comes back, here and in Hugging Face; what is broken gets a sentence."""

import json

import pytest
import tokenizers

from tfzoo.preprocessing import WordPieceTokenizer

TEXTS = ["To be, or not to be: that is the Question!", "café [MASK] ñ"] * 2


@pytest.fixture(scope="module")
def trained():
    return WordPieceTokenizer.train(TEXTS, 70, strip_accents=False)


def test_all_settings_come_back(trained, tmp_path):
    config = trained.get_config() | {"special_tokens_in_strings": False}
    WordPieceTokenizer(**config).save(tmp_path)
    assert WordPieceTokenizer.load(tmp_path).get_config() == config
    (tmp_path / "tokenizer.json").unlink()
    assert WordPieceTokenizer.load(tmp_path).get_config() == config


def test_hugging_face_reads_what_we_save(trained, tmp_path):
    trained.save(tmp_path)
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in TEXTS:
        assert theirs.encode(text, add_special_tokens=False).ids == trained(text).numpy().tolist()
    start, end = trained.start_token_id, trained.end_token_id
    assert theirs.encode("to").ids == [start, *trained("to").numpy(), end]


def test_we_read_what_hugging_face_saves(tmp_path):
    theirs = tokenizers.BertWordPieceTokenizer(lowercase=False)
    theirs.train_from_iterator(TEXTS, 60, show_progress=False)
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = WordPieceTokenizer.from_tokenizer_json(tmp_path / "tokenizer.json")
    assert not ours.lowercase and ours.vocabulary_size == theirs.get_vocab_size()
    for text in TEXTS:
        assert theirs.encode(text, add_special_tokens=False).ids == ours(text).numpy().tolist()


def test_vocabulary_files_of_any_system(tmp_path):
    (tmp_path / "vocab.txt").write_bytes("[UNK]\r\na\u2028b\r\n".encode())
    assert WordPieceTokenizer.load(tmp_path).get_config()["vocabulary"] == ["[UNK]", "a\u2028b"]


def test_missing_and_broken_files(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match="vocab.txt does not exist"):
        WordPieceTokenizer.load(tmp_path)
    trained.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match="tokenizer.json must be JSON, but it ends or breaks"):
        WordPieceTokenizer.load(tmp_path)


@pytest.mark.parametrize(
    "part, key, value",
    [
        ("model", "type", "BPE"),
        ("model", "continuing_subword_prefix", "@@"),
        ("normalizer", "clean_text", False),
        ("pre_tokenizer", "type", "Whitespace"),
    ],
)
def test_other_tokenizers_are_refused(trained, tmp_path, part, key, value):
    trained.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    config = json.loads(path.read_text())
    config[part][key] = value
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=f"WordPiece as in BERT, but it has '{key}' {value!r}"):
        WordPieceTokenizer.load(tmp_path)
