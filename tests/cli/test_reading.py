"""What the commands print is what the models say."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

import tfzoo
from tfzoo import cli
from tfzoo.models import (
    GAN,
    BertBackbone,
    BertMaskedLM,
    BertQuestionAnswerer,
    BertTextClassifier,
    BertTextEmbedder,
    BertTokenClassifier,
    MLPDiscriminator,
    MLPGenerator,
)
from tfzoo.preprocessing import (
    MaskedLMPreprocessor,
    QuestionAnsweringPreprocessor,
    SlidingWindows,
    TextClassifierPreprocessor,
    TokenClassifierPreprocessor,
    WordPieceTokenizer,
)

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] ann sang bo fell who".split()
TEXTS = ["Ann sang", "bo fell who"]


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments, status=0, lines=""):
        monkeypatch.setattr(sys, "argv", ["tfzoo", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        with pytest.raises(SystemExit) as end:
            cli.main()
        output, errors = capsys.readouterr()
        assert end.value.code == status, errors
        return errors if status else output

    return run


@pytest.fixture
def saved(tmp_path):
    """Saves a task on a small BERT whose weights are large enough to tell texts apart."""

    def saved(cls, preprocessor, length=11, **arguments):
        backbone = BertBackbone(len(WORDS), 1, 2, 6, max_sequence_length=13)
        model = cls(backbone, preprocessor(WordPieceTokenizer(WORDS), length), **arguments)
        model.set_weights([30 * w for w in model.get_weights()])
        model.save_to_preset(tmp_path / "preset")
        return model, tmp_path / "preset"

    return saved


def test_classify(run, saved):
    names = ["x", "y", "z"]
    model, preset = saved(BertTextClassifier, TextClassifierPreprocessor, class_names=names)
    lines = [json.loads(line) for line in run("classify", preset, *TEXTS, "--json").splitlines()]
    assert [line["text"] for line in lines] == TEXTS
    for line, classes in zip(lines, model.classify(TEXTS), strict=True):
        assert [found["name"] for found in line["classes"]] == [found.name for found in classes]
        np.testing.assert_allclose(
            [found["probability"] for found in line["classes"]],
            [found.probability for found in classes],
            rtol=1e-5,
        )
    best = model.classify(TEXTS[0])[0]
    output = run("classify", preset, "-", "--top-k", "1", lines=f"{TEXTS[0]}\n")
    assert output == f"{TEXTS[0]}\n  {best.name}  {best.probability:.3f}\n"
    assert "at least one line; received none" in run("classify", preset, "-", status=2)


def test_tag(run, saved):
    model, preset = saved(BertTokenClassifier, TokenClassifierPreprocessor, entity_names=["who"])
    model.head.bias.assign([-900.0, 900.0, 0.0])
    model.save_to_preset(preset.parent / "entities")
    line = json.loads(run("tag", preset.parent / "entities", TEXTS[0], "--json"))
    expected = [entity._asdict() for entity in model.tag(TEXTS[0])]
    assert [entity["text"] for entity in expected] == ["Ann", "sang"]
    for entity, other in zip(line["entities"], expected, strict=True):
        assert entity.pop("score") == pytest.approx(other.pop("score"), rel=1e-5)
        assert entity == other


def test_answer(run, saved, tmp_path):
    model, preset = saved(
        BertQuestionAnswerer, QuestionAnsweringPreprocessor, SlidingWindows(11, 4)
    )
    context = "ann sang bo fell " * 9
    (tmp_path / "context.txt").write_text(context)
    options = ["--context", tmp_path / "context.txt", "--json"]
    line = json.loads(run("answer", preset, "who fell", *options))
    expected = model.answer("who fell", context)
    assert line["answers"][0]["text"] == expected.text == context[expected.start : expected.end]
    assert line["answers"][0]["score"] == pytest.approx(expected.score, rel=1e-4)
    assert "nowhere.txt" in run("answer", preset, "who", "--context", "nowhere.txt", status=2)


def test_fill_mask(run, saved):
    model, preset = saved(BertMaskedLM, MaskedLMPreprocessor)
    text = "ann [MASK] bo [MASK]"
    first, second = model.fill_mask(text, top_k=2)
    lines = run("fill-mask", preset, text, "--top-k", "2").splitlines()
    expected = [text, *map(_row, first), text, *map(_row, second)]
    assert lines == expected


def test_embed(run, saved):
    model, preset = saved(BertTextEmbedder, TextClassifierPreprocessor)
    lines = [json.loads(line) for line in run("embed", preset, *TEXTS).splitlines()]
    vectors = [line["vector"] for line in lines]
    np.testing.assert_allclose(vectors, model.embed(TEXTS), atol=1e-6)


@pytest.mark.parametrize("command", ["tag", "answer", "fill-mask", "classify", "sample"])
def test_what_holds_another_head_does_not_answer(run, tmp_path, saved, command):
    """A new head would say anything."""
    wanted = {
        "tag": "BertTokenClassifier",
        "answer": "BertQuestionAnswerer",
        "fill-mask": "BertMaskedLM",
        "classify": "BertTextClassifier",
        "sample": "GAN",
    }[command]
    context = tmp_path / "context.txt"
    context.write_text("Bo fell.")
    if command == "classify":
        model, preset = saved(BertMaskedLM, MaskedLMPreprocessor)
    else:
        model, preset = saved(
            BertTextClassifier, TextClassifierPreprocessor, class_names=["a", "b"]
        )
    options = ["--context", context] if command == "answer" else []
    text = tmp_path / "picture.png" if command == "sample" else "who [MASK]"
    held = f"received {preset}, which holds a {type(model).__name__}."
    assert f"must hold a {wanted}; {held}" in run(command, preset, text, *options, status=2)
    model.backbone.save_to_preset(tmp_path / "backbone")
    held = "a BertBackbone" if command == "sample" else "a network without the head of a task"
    errors = run(command, tmp_path / "backbone", text, *options, status=2)
    assert f"must hold a {wanted}; received {tmp_path / 'backbone'}, which holds {held}." in errors


def test_sample(run, tmp_path):
    gan = GAN(MLPGenerator((2, 3, 1), (5,), 7), MLPDiscriminator((5,), 7), 4, num_classes=7)
    gan.save_to_preset(tmp_path / "preset")
    options = ["-n", 3, "--label", 2, "--label", 5, "--seed", 1, "--columns", 3, "--scale", 2]
    run("sample", tmp_path / "preset", tmp_path / "new" / "picture.png", *options)
    images = gan.generate(3, labels=[2, 5, 2], seed=1)
    expected = tfzoo.callbacks.tile_images(images, columns=3, scale=2)[..., 0]
    with Image.open(tmp_path / "new" / "picture.png") as picture:
        difference = np.abs(np.asarray(picture).astype(int) - expected)
    assert difference.max() <= 1
    errors = run("sample", tmp_path / "preset", tmp_path / "picture.jpg", status=2)
    assert "must end in .png" in errors
    points = GAN(MLPGenerator((3,), (5,)), MLPDiscriminator((5,)), 4)
    points.save_to_preset(tmp_path / "points")
    errors = run("sample", tmp_path / "points", tmp_path / "picture.png", status=2)
    assert "whose samples of shape (3,) cannot be drawn as images." in errors
    points.save(tmp_path / "model.keras")
    errors = run("sample", tmp_path / "model.keras", tmp_path / "picture.png", status=2)
    assert "Load it with `keras.saving.load_model`" in errors
    assert not (tmp_path / "picture.png").exists()


def _row(filling):
    return f"  {filling.token}  {filling.probability:.3f}  {filling.text}"
