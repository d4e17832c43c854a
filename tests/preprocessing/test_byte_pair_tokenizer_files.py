"""Training, files and configs: the same tables everywhere, or one clear sentence."""

import json
import os

import keras
import pytest
import tensorflow as tf
import tokenizers

from tfzoo.preprocessing import BytePairTokenizer
from tfzoo.preprocessing.byte_pair_vocabulary import BYTE_OF_CHARACTER

FILES = {"vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"}
BYTES = list(BYTE_OF_CHARACTER)


def same(tokenizer, other, texts):
    return (
        other.get_config() == tokenizer.get_config()
        and other(texts).to_list() == tokenizer(texts).to_list()
    )


@pytest.fixture
def texts(hard_texts):
    return [*hard_texts.values(), "a<|endoftext|> b"]


@pytest.fixture
def folder(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer")
    return tmp_path / "tokenizer"


# Start and end


@pytest.fixture
def ends_folder(tmp_path):
    """A tokenizer of Hugging Face whose texts start and end otherwise than GPT-2's."""
    special_tokens = ["<s>", "<pad>", "</s>"]
    other = tokenizers.ByteLevelBPETokenizer()
    other.train_from_iterator(["abc abc"], 300, show_progress=False, special_tokens=special_tokens)
    (tmp_path / "ends").mkdir()
    return other, tmp_path / "ends"


def ends_of(folder):
    loaded = BytePairTokenizer.load(folder)
    return loaded.id_to_token(loaded.start_token_id), loaded.id_to_token(loaded.end_token_id)


def write_json(path, **values):
    path.write_text(json.dumps(values))


@pytest.mark.parametrize("in_one_file", [False, True])
def test_files_say_which_tokens_start_and_end_a_text(ends_folder, tmp_path, in_one_file):
    other, folder = ends_folder
    other.save(str(folder / "tokenizer.json")) if in_one_file else other.save_model(str(folder))
    names = dict(bos_token="<s>", eos_token={"content": "</s>", "lstrip": False})
    write_json(folder / "tokenizer_config.json", **names, pad_token="<pad>")
    assert ends_of(folder) == ("<s>", "</s>")
    # As in `transformers`, what comes with the network goes first; 50256 is the default of a class.
    write_json(folder / "config.json", bos_token_id=50256, eos_token_id=0)
    assert ends_of(folder) == ("<s>", "<s>")
    write_json(folder / "config.json", bos_token_id=2, eos_token_id=None)
    assert ends_of(folder) == ("</s>", "</s>")

    tokenizer = BytePairTokenizer.load(folder)
    tokenizer.save(tmp_path / "saved")
    assert BytePairTokenizer.load(tmp_path / "saved").get_config() == tokenizer.get_config()
    assert BytePairTokenizer.from_config(tokenizer.get_config()).end_token_id == 2
    written = json.loads((tmp_path / "saved" / "tokenizer_config.json").read_text())
    assert (written["bos_token"], written["eos_token"]) == ("</s>", "</s>")


def test_an_end_that_is_no_special_token_is_refused(tokenizer):
    with pytest.raises(ValueError, match="`end_token` must be one of the special tokens .* 'x'"):
        BytePairTokenizer.from_config({**tokenizer.get_config(), "end_token": "x"})


def test_a_space_before_the_first_word_is_refused(folder):
    write_json(folder / "tokenizer_config.json", add_prefix_space=True)
    with pytest.raises(ValueError, match="tokenizer_config.json must be .* has 'add_prefix_space'"):
        BytePairTokenizer.load(folder)


# Training


def test_train_learns_what_hugging_face_learns(stdlib_texts, tokenizer):
    reference = tokenizers.ByteLevelBPETokenizer()
    reference.train_from_iterator(
        stdlib_texts,
        vocab_size=1009,
        min_frequency=2,
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    assert tokenizer.vocabulary_size == 1009
    assert tokenizer.get_config()["vocabulary"] == [reference.id_to_token(i) for i in range(1009)]


def test_train_joins_the_most_frequent_pair_first():
    # a+b occurs 5 times, then ab+c 3 times; " abc" and " ab" are left, with nothing twice.
    trained = BytePairTokenizer.train(["abc", b"abc abc", "ab ab"], 300)
    assert trained.get_config()["merges"] == ["a b", "ab c"]
    assert trained.special_tokens == ("<|endoftext|>",)


def test_min_frequency_and_vocabulary_size_end_the_training():
    texts = ["xy"] * 3 + ["zw"] * 2
    by_frequency = {
        least: BytePairTokenizer.train(texts, 300, min_frequency=least).get_config()["merges"]
        for least in (2, 3, 4)
    }
    assert by_frequency == {2: ["x y", "z w"], 3: ["x y"], 4: []}
    assert BytePairTokenizer.train(texts, 258).get_config()["merges"] == ["x y"]


def test_special_tokens_get_the_first_ids():
    trained = BytePairTokenizer.train(["text"], 300, special_tokens=["<pad>", "<|endoftext|>"])
    assert (trained.token_to_id("<pad>"), trained.end_token_id) == (0, 1)
    assert BytePairTokenizer.train(["text"], 300, special_tokens=()).end_token_id is None


def test_special_tokens_in_the_texts_are_not_learned():
    texts = ["xy###xy", "####", "<|endoftext|>xy<|endoftext|>"] * 3
    trained = BytePairTokenizer.train(texts, 300, special_tokens=["###", "<|endoftext|>"])
    assert trained.get_config()["merges"] == ["x y"]
    assert trained("xy####").numpy().tolist() == [258, 0, trained.token_to_id("#")]


def test_train_tells_what_is_wrong():
    with pytest.raises(TypeError, match="`texts` must be an iterable of strings; received one"):
        BytePairTokenizer.train("one string", 300)
    with pytest.raises(TypeError, match="`texts` must hold strings, but one of them is 3"):
        BytePairTokenizer.train(["one", 3], 300)
    with pytest.raises(ValueError, match="`texts` must hold at least one string"):
        BytePairTokenizer.train(iter([]), 300)
    with pytest.raises(ValueError, match="`vocabulary_size` must be at least 258,.*received 257"):
        BytePairTokenizer.train(["one"], 257, special_tokens=["<a>", "<b>"])


# Files


def test_save_and_load(tokenizer, folder, texts):
    assert {path.name for path in folder.iterdir()} == FILES
    assert same(tokenizer, BytePairTokenizer.load(folder), texts)
    assert same(tokenizer, BytePairTokenizer.from_tokenizer_json(folder / "tokenizer.json"), texts)
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    assert same(tokenizer, BytePairTokenizer.from_files(vocabulary, merges), texts)
    (folder / "tokenizer.json").unlink()
    assert same(tokenizer, BytePairTokenizer.load(str(folder)), texts)


@pytest.mark.parametrize("special_tokens", [(), ("<pad>", "<|end of text|>", "ż")])
@pytest.mark.parametrize("in_strings", [True, False])
def test_save_and_load_special_tokens(tmp_path, texts, special_tokens, in_strings):
    config = BytePairTokenizer.train(texts, 277, special_tokens).get_config()
    tokenizer = BytePairTokenizer(**config | {"special_tokens_in_strings": in_strings})
    tokenizer.save(tmp_path)
    texts = [*texts, "a<pad> <|end of text|>ż"]
    assert same(tokenizer, BytePairTokenizer.load(tmp_path), texts)


def test_hugging_face_reads_what_is_saved(tokenizer, folder, texts):
    expected = tokenizer(texts).to_list()
    from_json = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert [encoding.ids for encoding in from_json.encode_batch(texts)] == expected
    assert from_json.encode("a b").offsets == [(0, 1), (1, 3)]
    decoded = tokenizer.detokenize(expected).numpy().tolist()
    assert [text.encode() for text in from_json.decode_batch(expected)] == decoded
    from_files = tokenizers.ByteLevelBPETokenizer.from_file(
        str(folder / "vocab.json"), str(folder / "merges.txt")
    )
    from_files.add_special_tokens(["<|endoftext|>"])
    assert [encoding.ids for encoding in from_files.encode_batch(texts)] == expected


def test_transformers_reads_what_is_saved(tokenizer, folder, texts):
    transformers = pytest.importorskip("transformers")
    loaded = transformers.AutoTokenizer.from_pretrained(folder)
    assert loaded(texts)["input_ids"] == tokenizer(texts).to_list()
    assert loaded.eos_token_id == loaded.bos_token_id == tokenizer.end_token_id
    assert len(loaded) == tokenizer.vocabulary_size


def test_hugging_face_is_told_which_token_ends_a_text(tmp_path, tokenizer, folder):
    config = json.loads((folder / "tokenizer_config.json").read_text())
    assert config["eos_token"] == config["pad_token"] == "<|endoftext|>"
    BytePairTokenizer.train(["text"], 259, special_tokens=["</s>", "<s>"]).save(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["eos_token"] == config["bos_token"] == "</s>"


def test_reads_what_hugging_face_saves(tokenizer, tmp_path, texts):
    config = tokenizer.get_config()
    vocabulary = {token: token_id for token_id, token in enumerate(config["vocabulary"])}
    merges = [tuple(merge.split(" ")) for merge in config["merges"]]
    theirs = tokenizers.ByteLevelBPETokenizer(vocabulary, merges)
    theirs.add_special_tokens(["<|endoftext|>"])
    theirs.save(str(tmp_path / "tokenizer.json"))
    assert same(tokenizer, BytePairTokenizer.load(tmp_path), texts)
    theirs.save_model(str(tmp_path))
    (tmp_path / "tokenizer.json").unlink()
    assert same(tokenizer, BytePairTokenizer.load(tmp_path), texts)


def test_special_tokens_may_stand_outside_the_model(folder, tokenizer):
    path = folder / "tokenizer.json"
    described = json.loads(path.read_text())
    described["added_tokens"].append(
        {"id": 1009, "content": "<new>", "special": True, "normalized": True}
    )
    path.write_text(json.dumps(described))
    loaded = BytePairTokenizer.load(folder)
    assert loaded.special_tokens == ("<|endoftext|>", "<new>")
    assert loaded("a<new>").numpy().tolist() == [tokenizer.token_to_id("a"), 1009]


def test_a_failed_save_leaves_the_old_files(tokenizer, folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        BytePairTokenizer.train(["other text"], 257).save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_saved_files_have_the_usual_permissions(folder):
    plain = folder / "plain"
    plain.touch()
    for name in FILES:
        assert (folder / name).stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("name", ["vocab.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_truncated_file_is_named(folder, name):
    if name == "vocab.json":
        (folder / "tokenizer.json").unlink()
    path = folder / name
    path.write_text(path.read_text()[:-30])
    with pytest.raises(ValueError, match=f"{name} must be JSON, but it ends or breaks early"):
        BytePairTokenizer.load(folder)


@pytest.mark.parametrize("kept, match", [(0.5, "come from none"), (0.9, "merges")])
def test_truncated_merges_are_named(folder, kept, match):
    (folder / "tokenizer.json").unlink()
    path = folder / "merges.txt"
    text = path.read_text()
    path.write_text(text[: text.index("\n", int(len(text) * kept))])
    with pytest.raises(ValueError, match=rf"merges.txt: `merges` must .*{match}"):
        BytePairTokenizer.load(folder)


def test_missing_and_strange_files_are_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere/vocab.json does not exist"):
        BytePairTokenizer.load(tmp_path / "nowhere")
    (folder / "tokenizer.json").write_bytes(b'{"\xff": 1}')
    with pytest.raises(ValueError, match="tokenizer.json must be UTF-8 text"):
        BytePairTokenizer.load(folder)
    for content in ("[]", '{"model": {"vocab": {}}}', '{"model": 3, "added_tokens": []}'):
        (folder / "tokenizer.json").write_text(content)
        with pytest.raises(ValueError, match="tokenizer.json is no tokenizer.json of Hugging"):
            BytePairTokenizer.load(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match="vocab.json must hold an object of tokens and ids"):
        BytePairTokenizer.load(folder)


@pytest.mark.parametrize(
    "part, key, value",
    [
        ("model", "type", "Unigram"),
        ("model", "dropout", 0.1),
        ("model", "ignore_merges", True),
        ("model", "end_of_word_suffix", "</w>"),
        ("pre_tokenizer", "type", "Whitespace"),
        ("pre_tokenizer", "add_prefix_space", True),
        ("pre_tokenizer", "use_regex", False),
        ("added_tokens", "lstrip", True),
        ("added_tokens", "special", False),
    ],
)
def test_other_kinds_of_tokenizers_are_refused(folder, part, key, value):
    path = folder / "tokenizer.json"
    described = json.loads(path.read_text())
    place = described[part][0] if part == "added_tokens" else described[part]
    place[key] = value
    path.write_text(json.dumps(described))
    with pytest.raises(ValueError, match=f"as in GPT-2, but it has '{key}' {value!r} where"):
        BytePairTokenizer.load(folder)


def test_normalizers_are_refused(folder):
    path = folder / "tokenizer.json"
    described = json.loads(path.read_text()) | {"normalizer": {"type": "NFC"}}
    path.write_text(json.dumps(described))
    with pytest.raises(ValueError, match="as in GPT-2, but it has 'normalizer'"):
        BytePairTokenizer.load(folder)


# Tables that do not fit together


@pytest.mark.parametrize(
    "vocabulary, merges, special_tokens, match",
    [
        ({**dict(zip(BYTES, range(256), strict=True)), "ab": 7}, ["a b"], (), "share id 7"),
        ({**dict(zip(BYTES, range(256), strict=True)), "ab": 257}, ["a b"], (), "id 256 is missin"),
        ([*BYTES, "ab", "ab"], ["a b"], (), "must not hold a token twice"),
        (BYTES[:-1], [], (), "must hold all 256 bytes, but byte 0xAD"),
        (BYTES, [], ("<|endoftext|>",), "'<|endoftext|>' is not one; pass special_tokens="),
        ([*BYTES, "<s>"], [], ("<s>", "<s>"), "`special_tokens` must be at most 4095 different"),
        ([*BYTES, ""], [], ("",), "'' is not one"),
        (BYTES, [], ("é",), "must be longer than one byte, but 'é' is how .* byte 0xE9"),
        ([*BYTES, "ab"], ["a b", "ab c"], (), "'ab' [+] 'c' does not"),
        ([*BYTES, "abc"], ["ab c"], (), "'ab' [+] 'c' does not"),
        ([*BYTES, "<s>", "<s>a"], ["<s> a"], ("<s>",), "'<s>' [+] 'a' does not"),
        ([*BYTES, "ab"], ["a b", "a b"], (), "each token once; two make 'ab'"),
        ([*BYTES, "ab", "cd"], ["a b"], (), "1 come from none, such as 'cd'"),
        ([*BYTES, "ab"], ["a b c"], (), "pairs of two tokens; received 'a b c'"),
        ([*BYTES, "ab"], ["ab"], (), "pairs of two tokens; received 'ab'"),
        ([*BYTES, "ab"], [("a", "b", "")], (), "pairs of two tokens; received"),
        ([*BYTES, "ab"], ["ab "], (), "'ab' [+] '' does not"),
    ],
)
def test_tables_must_fit_together(vocabulary, merges, special_tokens, match):
    with pytest.raises(ValueError, match=match.replace("|", r"\|")):
        BytePairTokenizer(vocabulary, merges, special_tokens)


# Keras


def test_config_round_trip_through_json(tokenizer, texts):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(tokenizer)))
    assert same(tokenizer, keras.saving.deserialize_keras_object(config), texts)
    guarded = BytePairTokenizer(**tokenizer.get_config() | {"special_tokens_in_strings": False})
    copy = BytePairTokenizer.from_config(guarded.get_config())
    assert copy.end_token_id not in copy("<|endoftext|>").numpy()


@keras.saving.register_keras_serializable(package="tfzoo_tests")
class CountTokens(keras.layers.Layer):
    def __init__(self, tokenizer, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer = tokenizer

    def call(self, texts):
        return self.tokenizer.tokenize(texts).row_lengths()

    def get_config(self):
        return super().get_config() | {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer)
        }

    @classmethod
    def from_config(cls, config):
        tokenizer = keras.saving.deserialize_keras_object(config.pop("tokenizer"))
        return cls(tokenizer, **config)


def test_travels_in_a_keras_file_and_in_an_export(tokenizer, tmp_path):
    model = keras.Sequential([keras.Input((), dtype="string"), CountTokens(tokenizer)])
    texts = tf.constant(["one two", "", "import sys"])
    expected = tokenizer(texts).row_lengths().numpy().tolist()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded(texts).numpy().tolist() == expected
    model.export(tmp_path / "export", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "export"))
    assert served.serve(texts).numpy().tolist() == expected
