import json
import pathlib

import numpy as np
import pytest

from tfzoo.checkpoints import Preset, read_preset, write_preset


@pytest.fixture
def preset():
    return Preset(
        backbone={"class": "zoo>Backbone", "config": {"num_layers": 2, "rate": 0.5}},
        weights={"a": np.float32([[1, 2], [3, 5]]), "task/b": np.float32([7])},
        task={"class": "zoo>Task", "config": {"name": "mine"}},
        preprocessor={"class": "zoo>Preprocessor", "config": {"sequence_length": 11}},
        tokenizer={"class": "zoo>Tokenizer"},
    )


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_all_parts_come_back(tmp_path, preset):
    write_preset(tmp_path, preset)
    found = read_preset(tmp_path)
    for part in ("backbone", "task", "preprocessor", "tokenizer"):
        assert getattr(found, part) == getattr(preset, part)
    assert {name: np.asarray(tensor).tolist() for name, tensor in found.weights.items()} == {
        "a": [[1, 2], [3, 5]],
        "task/b": [7],
    }


def test_a_backbone_may_stand_alone(tmp_path, preset):
    write_preset(tmp_path, Preset(preset.backbone, preset.weights))
    found = read_preset(tmp_path)
    assert (found.task, found.preprocessor, found.tokenizer) == (None, None, None)


@pytest.mark.parametrize(
    "changes, sentence",
    [
        (
            {"format": None},
            "preset of tfzoo, or to a Hugging Face .*'gpt2' or 'bert'; received model_type No",
        ),
        ({"format": None, "model_type": "vit"}, "received model_type 'vit'"),
        ({"format_version": 2}, "format_version 1; received 2.*release of tfzoo that wrote it"),
        ({"backbone": None, "task": None}, "a `backbone` with a `class`; received None"),
        ({"tokenizer": {"class": 3}}, "a `tokenizer` with a `class`; received {'cla"),
        ({"task": {"class": "a", "config": 5}}, "a `config` object in `task`"),
    ],
)
def test_a_config_that_does_not_fit_is_named(tmp_path, preset, changes, sentence):
    write_preset(tmp_path, preset)
    change_config(tmp_path, **changes)
    with pytest.raises(ValueError, match=f"config.json must .*{sentence}"):
        read_preset(tmp_path)


def test_missing_files_are_named(tmp_path, preset):
    with pytest.raises(FileNotFoundError, match="nowhere/config.json does not exist"):
        read_preset(tmp_path / "nowhere")
    write_preset(tmp_path, preset)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="must hold model.safetensors"):
        read_preset(tmp_path)


@pytest.mark.parametrize("file", ["tokenizer.json", "vocab.json", "merges.txt"])
def test_hugging_face_folders_have_a_preprocessor_if_they_have_a_tokenizer(tmp_path, file):
    golden = pathlib.Path(__file__).parent.parent / "golden" / "gpt2_tied"
    for path in golden.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert read_preset(tmp_path).preprocessor is None

    (tmp_path / file).touch()
    found = read_preset(tmp_path)
    assert found.backbone["class"] == "tfzoo>GPTBackbone"
    assert found.backbone["config"]["num_heads"] == 3
    assert found.preprocessor == {
        "class": "tfzoo>CausalLMPreprocessor",
        "config": {"sequence_length": 13},
    }
    assert found.tokenizer == {"class": "tfzoo>BytePairTokenizer"}
