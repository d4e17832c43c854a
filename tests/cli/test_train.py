"""Runs from the command line: what they leave, how they go on, and what they refuse."""

import json
import pathlib
import re
import shlex
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import typer
from PIL import Image

import tfzoo
from tfzoo import cli
from tfzoo.cli import model_card
from tfzoo.cli.sources import hold_out

WORDS = "the cat sat on a mat and saw one red dog run home by night".split()
GPT = "--document-per paragraph --length 16 --vocabulary-size 270 --dtype float32 --batch-size 4"
BERT = "--length 16 --vocabulary-size 60 --dtype float32 --epochs 1 --held-out 0.2"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs a command in a folder of its own; returns status, output and errors."""
    monkeypatch.chdir(tmp_path)
    sizes = dict(num_layers=1, num_heads=2, hidden_dim=16, max_sequence_length=64)
    monkeypatch.setattr(tfzoo.models, "GPT_NANO", sizes)
    monkeypatch.setattr(tfzoo.models, "BERT_TINY", sizes)

    def run(command):
        monkeypatch.setattr(sys, "argv", ["tfzoo", *command.split()])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output, errors = capsys.readouterr()
        return end.value.code, output, errors

    return run


@pytest.fixture
def texts(tmp_path):
    rng = np.random.default_rng(3)
    documents = [" ".join(rng.choice(WORDS, 23)) for _ in range(60)]
    (tmp_path / "texts.txt").write_text("\n\n".join(documents))
    return documents


def test_a_run_says_by_itself_what_it_is(run, texts, tmp_path):
    command = f"train gpt texts.txt runs/1 {GPT} --steps 11 --held-out 0.1 --licence CC0"
    status, output, errors = run(command)
    assert status == 0, errors
    folder = tmp_path / "runs" / "1"
    facts = json.loads((folder / "run.json").read_text())
    assert facts["command"] == f"tfzoo {command}" == (folder / "command.txt").read_text().strip()
    assert facts["settings"]["steps"] == 11 and facts["settings"]["seed"] == 0
    assert facts["versions"]["keras"] == keras.__version__
    model = tfzoo.models.Task.from_preset(folder)
    assert facts["parameters"] == model.count_params()
    test = tfzoo.data.load_corpus(texts, validation=0.1, test=0.1).test
    model.compile()
    expected = model.evaluate(test, return_dict=True, verbose=0)
    assert facts["scores"] == pytest.approx(expected, rel=1e-5)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 11))
    assert lines[-1] == facts["training"] and lines[-1]["val_loss"] < lines[0]["val_loss"]
    assert (folder / "loss.png").stat().st_size > 1000
    card = (folder / "README.md").read_text()
    for said in (f"tfzoo {command}", "licence: CC0", "Not checked:", f"{expected['loss']:.4f}"):
        assert said in card
    _, printed, _ = run("evaluate runs/1 texts.txt --json")
    whole = model.evaluate(["\n\n".join(texts)], return_dict=True, verbose=0)
    assert json.loads(printed) == pytest.approx(whole, rel=1e-5)


def test_the_same_command_goes_on_with_a_run_that_was_killed(run, texts, tmp_path, monkeypatch):
    command = f"train gpt texts.txt {{}} {GPT} --steps 40 --held-out 0.1 --checkpoint-steps 3"
    run(command.format("whole"))
    with monkeypatch.context() as patch:
        patch.setattr(tfzoo.callbacks.MetricsLog, "on_epoch_end", killed_in_the_fifth_epoch)
        with pytest.raises(RuntimeError, match="killed"):
            run(command.format("killed"))
    assert not (tmp_path / "killed" / "config.json").exists()
    status, output, _ = run(command.format("killed"))
    assert status == 0 and "Going on after step 18, in epoch 5" in output
    whole, killed = (
        tfzoo.models.Task.from_preset(tmp_path / name).get_weights() for name in ("whole", "killed")
    )
    for one, other in zip(whole, killed, strict=True):
        np.testing.assert_array_equal(one, other)
    logs = [without_clock(tmp_path / name / "metrics.jsonl") for name in ("whole", "killed")]
    assert logs[0] == logs[1]
    log = (tmp_path / "killed" / "metrics.jsonl").read_text()
    # What is finished stays as it is when it is run once more.
    monkeypatch.setattr(tfzoo.data, "load_corpus", None)  # nothing is read for that
    status, output, _ = run(command.format("killed"))
    assert status == 0 and "The run in killed is finished" in output
    assert (tmp_path / "killed" / "metrics.jsonl").read_text() == log


def without_clock(path):
    """All numbers of a run but those that no second run has."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    clock = ("tokens_per_second", "model_flops_utilization")
    assert all(line.pop(name) >= 0 for line in lines for name in clock)
    return lines


def test_speed_and_learning_rate_are_shown_without_being_asked_for(run, texts, tmp_path):
    status, _, errors = run(f"train gpt texts.txt run {GPT} --steps 21 --held-out 0.1 --profile")
    assert status == 0, errors
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert all(line["tokens_per_second"] > 0 < line["model_flops_utilization"] for line in lines)
    schedule = tfzoo.optimizers.WarmupCosine(0.02, total_steps=20)
    rates = [float(schedule(2 * epoch)) for epoch in range(1, 11)]
    assert [line["learning_rate"] for line in lines] == pytest.approx(rates)
    board, found = tmp_path / "run" / "tensorboard", {}
    for file in [*board.glob("train/*"), *board.glob("validation/*")]:
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                found.setdefault((file.parent.name, value.tag), {})[event.step] = value.simple_value
    for name in ("tokens_per_second", "learning_rate", "gradient_norm", "loss"):
        expected = {line["epoch"] - 1: line[name] for line in lines}
        assert found["train", f"epoch_{name}"] == pytest.approx(expected)
        assert found["train", f"batch_{name}"].keys() == {10, 20}
    assert found["validation", "epoch_loss"][9] == pytest.approx(lines[-1]["val_loss"])
    assert list(board.glob("plugins/profile/*/*.xplane.pb"))


def test_a_short_run_has_checkpoints(run, texts, tmp_path):
    run(f"train gpt texts.txt run {GPT} --steps 20 --held-out 0.1")
    names = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert [int(re.sub(r"\D", "", name)) for name in names if re.search(r"\d", name)] == [
        16,
        18,
        20,
    ]


def test_another_setting_is_no_reason_to_lose_a_run(run, texts, tmp_path, monkeypatch):
    command = f"train gpt texts.txt run {GPT} --steps 2 --held-out 0.1"
    run(command)
    before = (tmp_path / "run" / "run.json").read_bytes()
    monkeypatch.setattr(tfzoo.data, "load_corpus", None)  # it is said before anything is read
    status, _, errors = run(f"{command} --seed 1")
    assert status == 2 and "`seed` must be 0, as in the run that run holds; received 1" in errors
    assert (tmp_path / "run" / "run.json").read_bytes() == before
    status, output, _ = run(f"{command} --licence CC0 --checkpoint-steps 7")
    assert status == 0 and "is finished" in output


def test_a_run_that_came_to_nothing_is_no_run(run, texts, tmp_path, monkeypatch):
    def fails(*arguments, **options):
        raise ValueError("no room")

    command = f"train gpt texts.txt run {GPT} --steps 2"
    with monkeypatch.context() as patch:
        patch.setattr(tfzoo.models.GPTCausalLM, "fit", fails)  # after the vocabulary
        status, _, errors = run(f"{command} --held-out 0.1")
    assert status == 2 and "no room" in errors and (tmp_path / "run" / "vocab.json").exists()
    status, _, errors = run(f"{command} --held-out 0.1 --vocabulary-size 280")
    assert status == 0, errors
    assert tfzoo.models.Task.from_preset(tmp_path / "run").backbone.vocabulary_size == 280


def test_a_run_says_which_precision_was_the_fastest(run, texts, tmp_path, monkeypatch):
    command = f"train gpt texts.txt run {GPT} --steps 2 --held-out 0.1 --dtype auto"
    monkeypatch.setattr(tfzoo.distribution, "fastest_dtype", lambda: "mixed_bfloat16")
    status, _, errors = run(command)
    assert status == 0, errors
    assert tfzoo.models.Task.from_preset(tmp_path / "run").dtype_policy.name == "mixed_bfloat16"
    monkeypatch.setattr(tfzoo.distribution, "fastest_dtype", lambda: "float32")  # elsewhere
    status, _, errors = run(command)
    assert status == 2 and "`dtype` must be 'mixed_bfloat16', as in the run" in errors


def killed_in_the_fifth_epoch(self, epoch, logs=None):
    if epoch == 4:
        raise RuntimeError("killed")


def labelled(folder):
    rows = [f"play {word} on\tplay\nhalt {word} now\thalt\n" for word in WORDS]
    (folder / "labelled.tsv").write_text("".join(rows))


def several(folder):
    rows = [{"text": f"{one} {two}", "label": [one, two]} for one in WORDS for two in ("go", "no")]
    (folder / "several.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def tagged(folder):
    rows = [f"{word}\tO\nAda\tB-who\nLee\tI-who\n\n" for word in WORDS]
    (folder / "tagged.conll").write_text("".join(rows))


def asked(folder):
    questions = [
        {"id": word, "question": f"who {word}", "answers": [{"text": "Bob", "answer_start": 4}]}
        for word in WORDS
    ]
    paragraph = {"context": "and Bob met Ada", "qas": questions}
    (folder / "asked.json").write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))


@pytest.mark.parametrize(
    ("write", "data", "task", "model", "score"),
    [
        (labelled, "labelled.tsv", "classify", "BertTextClassifier", "accuracy"),
        (several, "several.jsonl", "classify", "BertTextClassifier", "macro_f1"),
        (tagged, "tagged.conll", "tag", "BertTokenClassifier", "entity_f1"),
        (asked, "asked.json", "answer", "BertQuestionAnswerer", "exact_match"),
    ],
)
def test_a_bert_learns_its_task(run, tmp_path, write, data, task, model, score):
    write(tmp_path)
    status, _, errors = run(f"train bert {data} run --task {task} {BERT}")
    assert status == 0, errors
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["model"] == model and score in facts["scores"]
    assert f"val_{score}" in facts["training"]
    assert type(tfzoo.models.Task.from_preset(tmp_path / "run")).__name__ == model


def test_a_bert_is_pretrained_and_then_fine_tuned(run, texts, tmp_path):
    status, _, errors = run(f"train bert texts.txt first {BERT}")
    assert status == 0, errors
    labelled(tmp_path)
    status, _, errors = run(
        "train bert labelled.tsv second --task classify --preset first --test labelled.tsv "
        "--length 16 --dtype float32 --steps 3 --learning-rate 1e-9"
    )
    assert status == 0, errors
    first, second = (tfzoo.models.Task.from_preset(tmp_path / name) for name in ("first", "second"))
    for one, other in zip(first.backbone.weights, second.backbone.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert second.class_names == ("halt", "play")
    data = json.loads((tmp_path / "second" / "run.json").read_text())["data"]
    assert data == {"source": "labelled.tsv", "train": "30 examples", "test": "30 examples"}


def test_columns_of_labelled_texts_are_named(run, tmp_path):
    rows = [f"{word},play\n{word} now,halt\n" for word in WORDS]
    (tmp_path / "rows.csv").write_text("body,kind\n" + "".join(rows))
    command = f"train bert rows.csv run --task classify --steps 1 {BERT}"
    status, _, errors = run(command)
    assert status == 2 and "no column 'text' for `text`; it has 2 columns: body, kind" in errors
    status, _, errors = run(f"{command} --text body --label kind")
    assert status == 0, errors
    assert tfzoo.models.Task.from_preset(tmp_path / "run").class_names == ("halt", "play")
    status, printed, errors = run("evaluate run rows.csv --text 0 --label kind")
    assert status == 0 and "accuracy" in printed, errors
    status, _, errors = run("train bert rows.csv new --text body")
    assert status == 2 and "`--text` names a column of labelled texts" in errors


def test_a_gan_learns_to_draw(run, tmp_path):
    status, _, errors = run("train gan digits run --steps 2 --base-dim 3 --latent-dim 5")
    assert status == 0, errors
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["scores"]["sliced_wasserstein"] > facts["scores"]["sliced_wasserstein_floor"] > 0
    assert tfzoo.models.Task.from_preset(tmp_path / "run").num_classes == 10
    assert (tmp_path / "run" / "samples.png").exists()
    card = (tmp_path / "run" / "README.md").read_text()
    assert "CC BY 4.0" in card and "tfzoo sample run samples.png" in card
    for number in range(2):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    status, _, errors = run("evaluate run *.png")
    assert status == 2 and "`data` must have classes, such as a folder with" in errors


def test_image_files_are_brought_to_one_size(run, tmp_path):
    rng = np.random.default_rng(4)
    for number in range(24):
        pixels = rng.integers(0, 256, (9 + number % 3, 12), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    command = "*.png run --steps 2 --base-dim 3 --latent-dim 5 --image-size 8 --no-classes"
    status, _, errors = run(f"train gan {command}")
    assert status == 0, errors
    assert tfzoo.models.Task.from_preset(tmp_path / "run").generate(1).shape == (1, 8, 8, 1)
    status, printed, errors = run("evaluate run *.png --image-size 8 --json")
    assert status == 0 and json.loads(printed)["sliced_wasserstein_floor"] > 0
    assert "trained on a part of *.png" in errors


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("gpt texts.txt new --dtype float12", "`--dtype` must be one of auto, float32, "),
        ("gpt texts.txt full", "`run` must be a new folder, or that of an earlier run; received"),
        (
            "gpt texts.txt foreign",
            "`run` must be a new folder, or that of an earlier run; received",
        ),
        ("gpt texts.txt other", "one of `tfzoo train gpt`; received other, which is a run of"),
        ("gpt texts.txt new --size huge", "`size` must be one of"),
        ("gpt missing.txt new", "missing.txt"),
        ("bert texts.txt new --task classify", "texts.txt"),
        (
            "bert docstring_areas new",
            "docstring_areas has labels: use tfzoo train bert with --task",
        ),
        ("bert digits new --task tag", "digits has images: use tfzoo train gan."),
        ("gpt digits new", "digits has images: use tfzoo train gan."),
        ("gan python_stdlib new", "python_stdlib has texts: use tfzoo train gpt"),
        ("gpt other new", "`data` must be data; received other, the folder of a run."),
        ("bert missing.txt new --preset nowhere", "nowhere"),
        ("bert one.tsv new --task classify", "two classes or more; received stop alone."),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(run, texts, tmp_path, command, sentence):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("all of it")
    (tmp_path / "one.tsv").write_text("halt\tstop\nwait\tstop\n" * 20)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "run.json").write_text("{}")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"family": "gan"}')
    before = sorted(tmp_path.rglob("*"))
    status, _, errors = run(f"train {command}")
    assert status == 2 and sorted(tmp_path.rglob("*")) == before
    assert sentence in " ".join(errors.split()) and "Traceback" not in errors
    assert (tmp_path / "full" / "thesis.txt").read_text() == "all of it"


def test_examples_are_divided_without_a_loss():
    labels = ["rare" if n == 11 else "abc"[n % 3] for n in range(23)]
    examples = [f"text {n}" for n in range(23)], labels
    parts = hold_out(examples, 0.1)
    assert [len(part[0]) for part in parts] == [19, 2, 2]
    rows = [row for part in parts for row in zip(*part, strict=True)]
    assert sorted(rows) == sorted(zip(*examples, strict=True))
    assert parts == hold_out(examples, 0.1)
    assert hold_out(examples, 0.0) == [examples, ([], []), ([], [])]
    # Every label has an example to learn from, however much is held out.
    training, *held = hold_out(examples, 0.4)
    assert {*training[1]} == {*labels} and len(training[1]) == 5
    tags = ["ab"[n == 2] + "c" * (n == 3) for n in range(7)]
    assert set("".join(hold_out((list("tuvwxyz"), [[*t] for t in tags]), 0.2)[0][0])) >= {*"vw"}
    many = list("tuvwxyzabc"), list("0123456789")
    with pytest.raises(ValueError, match="an example of each of 10 labels .* leaves 2 of 10"):
        hold_out(many, 0.4)
    with pytest.raises(ValueError, match="leaves at least one of 3 examples"):
        hold_out((["a", "b", "c"],), 0.1)


@pytest.mark.parametrize("model", model_card.COMMANDS)
def test_the_commands_of_a_model_card_are_those_there_are(model):
    _, name, *arguments = shlex.split(model_card.COMMANDS[model].format(run="run"))
    command = typer.main.get_command(cli.app).commands[name]
    assert command.make_context(name, arguments).params["preset"] == pathlib.Path("run")
