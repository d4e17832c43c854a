"""There and back again: the files of others, and ours."""

import json
import sys

import numpy as np
import pytest

import tfzoo
from tfzoo import cli
from tfzoo.models.preset import save_hugging_face

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##c"]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*command):
        monkeypatch.setattr(sys, "argv", ["tfzoo", "convert", *command])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output, errors = capsys.readouterr()
        return end.value.code, " ".join(output.split()), " ".join(errors.split())

    return run


def gpt():
    tokenizer = tfzoo.preprocessing.BytePairTokenizer.train(["a bad cab, a bad bed"], 260)
    backbone = tfzoo.models.GPTBackbone(tokenizer.vocabulary_size, 2, 3, 18, max_sequence_length=23)
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(tokenizer, 11)
    return tfzoo.models.GPTCausalLM(backbone, preprocessor), ["a bad bed"]


def bert():
    preprocessor = tfzoo.preprocessing.MaskedLMPreprocessor(
        tfzoo.preprocessing.WordPieceTokenizer(PIECES), 11
    )
    backbone = tfzoo.models.BertBackbone(len(PIECES), 2, 3, 18, max_sequence_length=23)
    return tfzoo.models.BertMaskedLM(backbone, preprocessor), ["ac b b"]


@pytest.mark.parametrize("make", [gpt, bert])
def test_a_model_comes_back_as_it_was(run, tmp_path, make):
    model, texts = make()
    for variable in model.variables:  # no weight has the value that it begins with
        variable.assign(variable + np.random.default_rng(5).normal(0, 0.3, variable.shape))
    model.save_to_preset(tmp_path / "ours")
    status, output, errors = run("ours", "theirs", "--to", "hugging-face")
    assert status == 0, errors
    assert f"of {model.backbone.count_params():,} parameters: ours -> theirs" in output
    assert json.loads((tmp_path / "theirs" / "config.json").read_text())["model_type"]
    assert run("theirs", "back")[0] == 0
    back = tfzoo.models.Task.from_preset(tmp_path / "back")
    assert type(back) is type(model)
    scores = [one.score(texts)[0].log_likelihoods for one in (model, back)]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-6)


def test_a_bert_without_a_head_becomes_an_embedder(run, tmp_path):
    model, texts = bert()
    preprocessor = tfzoo.preprocessing.TextClassifierPreprocessor(model.preprocessor.tokenizer, 11)
    embedder = tfzoo.models.BertTextEmbedder(model.backbone, preprocessor)
    save_hugging_face(embedder, tmp_path / "theirs")
    assert run("theirs", "ours")[0] == 0
    found = tfzoo.models.Task.from_preset(tmp_path / "ours")
    assert isinstance(found, tfzoo.models.BertTextEmbedder)
    assert found.embed(texts).shape == (1, 18)


def test_a_head_that_is_left_out_is_named(run, tmp_path):
    model, _ = bert()
    preprocessor = tfzoo.preprocessing.TextClassifierPreprocessor(model.preprocessor.tokenizer, 11)
    classifier = tfzoo.models.BertTextClassifier(model.backbone, preprocessor, list("xyz"))
    classifier.save_to_preset(tmp_path / "ours")
    status, output, errors = run("ours", "theirs", "--to", "hugging-face")
    assert status == 0, errors
    assert "Left out" in output and "the head of 3 classes of the BertTextClassifier." in output
    assert "Left out" not in run("ours", "same")[1]


def test_what_cannot_be_converted_is_said_in_a_sentence(run, tmp_path):
    gan = tfzoo.models.GAN(
        tfzoo.models.MLPGenerator((3,), (5,)), tfzoo.models.MLPDiscriminator((5,)), latent_dim=2
    )
    gan.save_to_preset(tmp_path / "gan")
    status, _, errors = run("gan", "new")
    assert status == 2 and "must be a GPT-2 or a BERT" in errors and "holds a GAN" in errors
    status, _, errors = run("missing", "new")
    assert status == 2 and "missing" in errors
    (tmp_path / "old").mkdir()
    gpt()[0].save_to_preset(tmp_path / "gpt")
    status, _, errors = run("gpt", "old")
    assert status == 2 and "`folder` must not exist yet" in errors
    assert not (tmp_path / "new").exists()


def test_a_conversion_that_changes_weights_is_noticed(run, tmp_path, monkeypatch):
    model, _ = gpt()
    model.save_to_preset(tmp_path / "ours")
    other, _ = gpt()

    def careless(model, folder):
        tfzoo.models.GPTCausalLM.save_to_preset(other, folder)

    monkeypatch.setattr("tfzoo.models.preset.save_hugging_face", careless)
    status, _, errors = run("ours", "theirs", "--to", "hugging-face")
    assert status == 2 and "theirs must hold the weights of ours, and reads differently" in errors
