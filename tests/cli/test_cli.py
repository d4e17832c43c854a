import subprocess
import sys

import pytest
import tensorflow as tf

import tfzoo
from tfzoo import cli

# As `tfzoo` would run, with a package that imports nothing by itself.
COMMAND_ALONE = """
import importlib.util, sys, types
package = types.ModuleType("tfzoo")
package.__path__ = list(importlib.util.find_spec("tfzoo").submodule_search_locations)
package.__version__ = "1.2.3"
sys.modules["tfzoo"] = package
from tfzoo.cli import main
sys.argv = ["tfzoo", *sys.argv[1:]]
try:
    main()
finally:
    print([name for name in ("tensorflow", "keras", "numpy") if name in sys.modules])
"""


class Model:
    """Stands in for a model: writes the prompt backwards, piece by piece."""

    exported = []

    @classmethod
    def from_preset(cls, folder):
        if not folder.exists():
            raise FileNotFoundError(f"{folder} does not exist [in brackets].")
        return cls()

    @classmethod
    def export(cls, model, folder, version, weights):
        cls.exported.append((model, folder, version, weights))
        return folder / "7"

    def generate(self, prompt, max_new_tokens, stream, **options):
        assert stream
        yield from prompt[::-1][:max_new_tokens]
        yield f" {options}"


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tfzoo", *map(str, arguments)])
        monkeypatch.setattr(tfzoo.models, "GPTCausalLM", Model)
        monkeypatch.setattr(tfzoo.models, "Task", Model)
        monkeypatch.setattr(tfzoo, "export_bundle", Model.export)
        with pytest.raises(SystemExit) as end:
            cli.main()
        output, errors = capsys.readouterr()
        return end.value.code, output, errors

    return run


def test_version(run):
    assert run("--version") == (0, f"tfzoo {tfzoo.__version__}\n", "")


def test_help_names_the_commands(run):
    status, output, _ = run("--help")
    assert status == 0
    for command in (
        "generate classify tag answer fill-mask embed sample export list train evaluate convert"
    ).split():
        assert command in output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["generate", "--help"],
        ["tag", "--help"],
        ["train", "bert", "--help"],
    ],
)
def test_nothing_heavy_is_imported_to_answer_at_once(arguments):
    result = subprocess.run(
        [sys.executable, "-c", COMMAND_ALONE, *arguments], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


def test_generate_streams_every_prompt(run, tmp_path):
    status, output, _ = run("generate", tmp_path, "abc", "defg", "--max-new-tokens", "2")
    assert status == 0
    assert output == "abccb {}\ndefggf {}\n"


def test_generate_passes_only_what_was_chosen(run, tmp_path):
    options = ["--temperature", "0.8", "--top-k", "5", "--top-p", "0.9", "--seed", "0"]
    _, output, _ = run("generate", tmp_path, "abc", *options)
    assert output == "abccba {'temperature': 0.8, 'top_k': 5, 'top_p': 0.9, 'seed': 0}\n"


def test_export(run, tmp_path):
    status, output, _ = run("export", tmp_path, tmp_path / "bundle")
    assert status == 0
    model, folder, *choices = Model.exported.pop()
    assert isinstance(model, Model)
    assert (folder, choices) == (tmp_path / "bundle", [None, None])
    assert f"saved_model_cli show --dir {folder / '7'} --all" in output
    run("export", tmp_path, tmp_path / "bundle", "--version", "5", "--weights", "int8")
    assert Model.exported.pop()[2:] == (5, "int8")


@pytest.mark.parametrize("command", [["generate", "missing", "abc"], ["export", "missing", "new"]])
def test_bad_input_is_one_sentence(run, command):
    status, output, errors = run(*command)
    assert status == 2
    assert output == ""
    assert errors == "Error: missing does not exist [in brackets].\n"


def test_missing_argument_is_said_without_a_trace(run):
    status, _, errors = run("generate")
    assert status == 2
    assert "Missing argument" in errors
    assert "Traceback" not in errors


def test_a_real_model_writes_and_is_exported(tmp_path, monkeypatch, capsys):
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(
        tfzoo.preprocessing.ByteTokenizer(), sequence_length=32
    )
    backbone = tfzoo.models.GPTBackbone(preprocessor.tokenizer.vocabulary_size, 1, 2, 14)
    model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
    preset, bundle = str(tmp_path / "preset"), str(tmp_path / "bundle")
    model.save_to_preset(preset)
    for command in (
        ["generate", preset, "abc", "--max-new-tokens", "5"],
        ["export", preset, bundle],
    ):
        monkeypatch.setattr(sys, "argv", ["tfzoo", *command])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 0
    assert capsys.readouterr().out.startswith(model.generate("abc", max_new_tokens=5) + "\n")
    assert "generate" in tf.saved_model.load(f"{bundle}/1").signatures
    monkeypatch.setattr(sys, "argv", ["tfzoo", "export", preset, bundle, "--version", "1"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "must not exist yet" in capsys.readouterr().err


def test_a_model_of_any_family_is_exported(tmp_path, monkeypatch):
    gan = tfzoo.models.GAN(
        tfzoo.models.MLPGenerator((3,), (5,)), tfzoo.models.MLPDiscriminator((5,)), latent_dim=2
    )
    gan.save_to_preset(tmp_path / "preset")
    folders = str(tmp_path / "preset"), str(tmp_path / "bundle")
    monkeypatch.setattr(sys, "argv", ["tfzoo", "export", *folders])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert "generate_from_latent" in tf.saved_model.load(f"{folders[1]}/1").signatures


@pytest.mark.parametrize("form", ["litert", "onnx"])
def test_a_network_becomes_a_file(run, tmp_path, monkeypatch, form):
    def export(model, folder, **choices):
        return Model.export(model, folder, None, choices)

    monkeypatch.setattr(tfzoo, f"export_{form}", export)
    weights = ["--weights", "int8"] if form == "litert" else []
    options = ["--format", form, "--sequence-length", 7, *weights]
    status, output, _ = run("export", tmp_path, tmp_path / "new", *options)
    assert status == 0
    assert output.endswith("new/tfzoo.json says what goes in and out.\n")
    *_, choices = Model.exported.pop()
    assert choices == {"sequence_length": 7, **({"weights": "int8"} if weights else {})}


@pytest.mark.parametrize(
    ("form", "option", "value"),
    [("onnx", "--weights", "int8"), ("litert", "--version", 3), ("bundle", "--sequence-length", 7)],
)
def test_an_option_of_another_format_is_refused(run, tmp_path, form, option, value):
    status, _, errors = run("export", tmp_path, tmp_path / "new", "--format", form, option, value)
    assert status == 2
    assert errors == (
        f"Error: `{option}` must be left out with `--format {form}`; received {value}.\n"
    )


def test_a_backbone_alone_is_not_exported(tmp_path, monkeypatch, capsys):
    tfzoo.models.GPTBackbone(5, 1, 2, 14).save_to_preset(tmp_path / "preset")
    monkeypatch.setattr(sys, "argv", ["tfzoo", "export", str(tmp_path / "preset"), "new"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "which holds a backbone alone" in " ".join(capsys.readouterr().err.split())
