"""The quickstart from end to end, on a small part of its corpus and for two steps."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import tfzoo

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def quickstart(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("quickstart", SCRIPTS / "quickstart.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    whole = tfzoo.data.python_stdlib()
    part = tfzoo.data.Corpus(whole.train[:40], whole.validation[:2], whole.test[:2])
    monkeypatch.setattr(tfzoo.data, "python_stdlib", lambda: part)
    monkeypatch.setattr(module, "STEPS", 2)
    monkeypatch.chdir(tmp_path)
    return module


def test_quickstart_leaves_what_it_promises(quickstart, capfd):
    of_an_earlier_run = quickstart.PRESET / "config.json"
    of_an_earlier_run.parent.mkdir(parents=True)
    of_an_earlier_run.write_text("{}")
    quickstart.main()
    printed = capfd.readouterr().out
    for prompt in quickstart.PROMPTS:
        assert printed.count(f"\n{prompt}") == 2, "the live and the exported model write"
    for path in [quickstart.PICTURE, quickstart.PRESET, quickstart.SAVED_MODEL]:
        assert path.exists()
        assert str(path) in printed
    again = tfzoo.models.GPTCausalLM.from_preset(quickstart.PRESET)
    assert again.backbone.vocabulary_size == 2048


def test_exported_model_writes_without_tfzoo_and_keras(tmp_path):
    tokenizer = tfzoo.preprocessing.ByteTokenizer()
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(tokenizer, sequence_length=128)
    backbone = tfzoo.models.GPTBackbone(tokenizer.vocabulary_size, 2, 2, 14)
    model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
    folder = tmp_path / "saved_model"
    tfzoo.export(model, folder)
    result = subprocess.run(
        [sys.executable, SCRIPTS / "call_saved_model.py", folder, "ab", "cdefg"],
        capture_output=True,
    )
    assert result.returncode == 0, result.stderr.decode()
    live = tf.saved_model.load(folder).signatures["generate"](
        text=tf.constant(["ab", "cdefg"]),
        max_new_tokens=tf.constant(60),
        temperature=tf.constant(0.8),
        top_k=tf.constant(0),
        top_p=tf.constant(0.9),
        seed=tf.constant(1),
    )["text"]
    expected = "".join(text.decode(errors="replace") + "\n\n" for text in live.numpy())
    assert result.stdout.decode() == expected


def test_the_process_of_the_exported_model_has_neither():
    program = (SCRIPTS / "call_saved_model.py").read_text().split("def main")[0]
    question = """
import importlib
for name in ("keras", "tfzoo"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(error)
"""
    answer = subprocess.check_output([sys.executable, "-c", program + question], text=True)
    assert answer.splitlines() == [
        "import of keras halted; None in sys.modules",
        "import of tfzoo halted; None in sys.modules",
    ]
