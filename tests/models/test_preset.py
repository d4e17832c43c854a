import json
import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import relu_squared
from tfzoo.models import MODERN, GPTBackbone, GPTCausalLM, preset
from tfzoo.models.task import Task
from tfzoo.preprocessing import BytePairTokenizer, ByteTokenizer, CausalLMPreprocessor

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
CHECKPOINTS = ["gpt2_tied", "gpt2_untied_sharded", "gpt2_bfloat16"]
TOKEN_IDS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])


@pytest.fixture(params=CHECKPOINTS)
def golden(request):
    folder = GOLDEN / request.param
    return folder, json.loads((folder / "expected.json").read_text())


def make_task(preprocessor=None, vocabulary_size=19, **arguments):
    backbone = GPTBackbone(vocabulary_size, 2, 3, 12, 7, max_sequence_length=11, **arguments)
    randomize(backbone)
    return GPTCausalLM(backbone, preprocessor)


def randomize(model):
    # Biases start at 0 and scales at 1, which would hide a confusion between two of them.
    for variable in model.weights:
        variable.assign(keras.random.normal(variable.shape, stddev=0.4))


def logits(task, token_ids=TOKEN_IDS):
    return task({"token_ids": token_ids}).numpy()


def continue_greedily(task, token_ids, num_new_tokens):
    token_ids = np.array(token_ids)
    for _ in range(num_new_tokens):
        next_ids = logits(task, token_ids)[:, -1].argmax(-1)
        token_ids = np.concatenate([token_ids, next_ids[:, None]], axis=1)
    return token_ids[:, -num_new_tokens:].tolist()


def same_weights(one, other):
    assert len(one.weights) == len(other.weights)
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)


# Hugging Face


def test_hugging_face_logits_and_greedy_texts(golden):
    folder, expected = golden
    task = preset.load_task(GPTCausalLM, folder)
    found = logits(task, np.array(expected["token_ids"]))
    np.testing.assert_allclose(found, expected["logits"], rtol=0, atol=1e-5)
    num_new_tokens = len(expected["greedy"][0])
    assert continue_greedily(task, expected["token_ids"], num_new_tokens) == expected["greedy"]


def test_back_to_hugging_face_bit_for_bit(golden, tmp_path):
    folder, _ = golden
    before = preset.load_task(GPTCausalLM, folder)
    preset.save_hugging_face(before, tmp_path / "back")
    after = preset.load_task(GPTCausalLM, tmp_path / "back")
    same_weights(before, after)
    assert after.backbone.get_config() | {"name": ""} == before.backbone.get_config() | {"name": ""}


def test_a_tokenizer_goes_to_hugging_face_and_back(tmp_path):
    tokenizer = BytePairTokenizer.train(["to be or not to be"] * 2, vocabulary_size=263)
    task = make_task(CausalLMPreprocessor(tokenizer, 5), vocabulary_size=263)
    preset.save_hugging_face(task, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["bos_token_id"] == config["eos_token_id"] == tokenizer.start_token_id

    back = preset.load_task(GPTCausalLM, tmp_path / "model")
    assert back.preprocessor.sequence_length == 11
    text = "to be, or not?"
    expected = tokenizer.tokenize(text).numpy().tolist()
    assert back.preprocessor.tokenizer.tokenize(text).numpy().tolist() == expected


# Presets


@pytest.mark.parametrize("arguments", [{}, MODERN, {"activation": relu_squared, "dropout": 0.25}])
def test_a_task_comes_back_bit_for_bit(tmp_path, arguments):
    task = make_task(**arguments)
    preset.save(task, tmp_path / "model")
    back = preset.load_task(GPTCausalLM, tmp_path / "model")
    same_weights(task, back)
    assert back.get_config() == task.get_config()
    np.testing.assert_array_equal(logits(back), logits(task))


@pytest.mark.parametrize(
    "tokenizer",
    [ByteTokenizer("abc"), BytePairTokenizer.train(["abc abd"] * 2, vocabulary_size=261)],
    ids=["bytes", "pairs"],
)
def test_the_preprocessor_comes_back(tmp_path, tokenizer):
    task = make_task(CausalLMPreprocessor(tokenizer, sequence_length=7), vocabulary_size=261)
    preset.save(task, tmp_path / "model")
    back = preset.load_task(GPTCausalLM, tmp_path / "model").preprocessor
    assert back.get_config() == task.preprocessor.get_config()
    config = (tmp_path / "model" / "config.json").read_text()
    assert '"vocabulary"' not in config and '"alphabet"' not in config


def test_a_backbone_is_saved_and_loaded_alone_and_in_tasks(tmp_path):
    task = make_task()
    preset.save(task, tmp_path / "task")
    backbone = preset.load_backbone(GPTBackbone, tmp_path / "task")
    same_weights(backbone, task.backbone)
    preset.save(backbone, tmp_path / "backbone")
    same_weights(preset.load_backbone(GPTBackbone, tmp_path / "backbone"), backbone)
    again = preset.load_task(GPTCausalLM, tmp_path / "backbone")
    np.testing.assert_array_equal(logits(again), logits(task))


def test_the_methods_of_models_do_the_same(tmp_path):
    task = make_task(dropout=0.25)
    task.save_to_preset(tmp_path / "task")
    back = GPTCausalLM.from_preset(tmp_path / "task", dropout=0.5)
    assert (type(back), back.backbone.dropout_rate) == (GPTCausalLM, 0.5)
    same_weights(back, task)
    back.backbone.save_to_preset(tmp_path / "backbone")
    backbone = GPTBackbone.from_preset(tmp_path / "backbone", dropout=0.75)
    assert (type(backbone), backbone.dropout_rate) == (GPTBackbone, 0.75)
    same_weights(backbone, task.backbone)


@keras.saving.register_keras_serializable(package="tests")
class Classifier(Task):
    """A task with weights and arguments of its own."""

    def __init__(self, backbone, preprocessor=None, num_classes=3, **kwargs):
        super().__init__(backbone, preprocessor, **kwargs)
        self.num_classes = num_classes
        self.classes = keras.layers.Dense(num_classes, name="classes")
        self.classes.build((None, backbone.hidden_dim))

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


def test_the_weights_of_a_task_come_back_only_in_that_task(tmp_path):
    task = Classifier(make_task().backbone, num_classes=5)
    randomize(task)
    preset.save(task, tmp_path / "classifier")
    for cls in (Classifier, Task):
        back = preset.load_task(cls, tmp_path / "classifier")
        assert type(back) is Classifier
        same_weights(back, task)

    other = preset.load_task(GPTCausalLM, tmp_path / "classifier")
    same_weights(other.backbone, task.backbone)
    preset.save(other, tmp_path / "lm")
    new = preset.load_task(Classifier, tmp_path / "lm")
    same_weights(new.backbone, task.backbone)
    assert new.num_classes == 3


def test_dropout_and_precision_are_changed_on_loading(tmp_path):
    task = make_task(dropout=0.25)
    preset.save(task, tmp_path / "model")
    back = preset.load_task(GPTCausalLM, tmp_path / "model", dropout=0.5, dtype="bfloat16")
    assert back.backbone.dropout_rate == back.backbone.blocks[1].dropout.rate == 0.5
    assert back.dtype_policy.name == back.backbone.dtype_policy.name == "bfloat16"
    for variable, whole in zip(back.weights, task.weights, strict=True):
        expected = tf.cast(whole.value, tf.bfloat16)
        assert variable.dtype == "bfloat16"
        np.testing.assert_array_equal(variable.numpy(), expected.numpy())


def test_the_precision_of_the_weights_is_kept(tmp_path):
    task = make_task(dtype="bfloat16")
    preset.save(task, tmp_path / "model")
    num_bytes = 2 * task.count_params()
    assert num_bytes < (tmp_path / "model" / "model.safetensors").stat().st_size < 2 * num_bytes
    back = preset.load_task(GPTCausalLM, tmp_path / "model")
    assert back.dtype_policy.name == "bfloat16"
    same_weights(back, task)


def test_names_and_scopes_around_a_backbone_do_not_matter(tmp_path):
    with keras.name_scope("outer"), keras.name_scope("inner"):
        backbone = GPTBackbone(19, 1, 2, 6, max_sequence_length=11, name="mine")
    assert backbone.weights[0].path.startswith("outer/inner/")
    randomize(backbone)
    preset.save(backbone, tmp_path / "model")
    same_weights(preset.load_backbone(GPTBackbone, tmp_path / "model"), backbone)


def test_weights_reach_every_replica(tmp_path):
    task = make_task()
    preset.save(task, tmp_path / "model")
    devices = tf.config.list_logical_devices("CPU")
    assert len(devices) == 2
    with tf.distribute.MirroredStrategy(devices).scope():
        back = preset.load_task(GPTCausalLM, tmp_path / "model")
    for variable, expected in zip(back.weights, task.weights, strict=True):
        for copy in variable.value.values:
            np.testing.assert_array_equal(copy.numpy(), expected.numpy())
    preset.save(back, tmp_path / "again")
    same_weights(preset.load_task(GPTCausalLM, tmp_path / "again"), task)


# What is refused


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path, monkeypatch):
    task = make_task(CausalLMPreprocessor(ByteTokenizer("abc"), 5))
    for save in (preset.save, preset.save_hugging_face):
        folder = tmp_path / save.__name__
        folder.mkdir()
        with pytest.raises(FileExistsError, match="`folder` must not exist yet"):
            save(task, folder)
        folder.rmdir()

    def fail(self, folder):
        raise OSError("disk full")

    monkeypatch.setattr(ByteTokenizer, "save", fail)
    for save in (preset.save, preset.save_hugging_face):
        with pytest.raises(OSError, match="disk full"):
            save(task, tmp_path / save.__name__)
    assert os.listdir(tmp_path) == []


def test_a_modern_backbone_is_not_written_for_hugging_face(tmp_path):
    with pytest.raises(ValueError, match="`rotary` False is a GPT-2"):
        preset.save_hugging_face(make_task(**MODERN), tmp_path / "model")
    assert os.listdir(tmp_path) == []


def edit_config(folder, edit):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    edit(config)
    path.write_text(json.dumps(config))


def set_backbone(name, value):
    return lambda config: config["backbone"]["config"].__setitem__(name, value)


@pytest.mark.parametrize(
    "edit, sentence",
    [
        (
            set_backbone("max_sequence_length", 13),
            r"'position_embedding/embeddings' must have shape \(13, 12\).*received shape \(11, 12\)"
            " from tensor 'position_embedding/embeddings' in .*model.safetensors",
        ),
        (
            set_backbone("num_layers", 3),
            "lacks 12 of the model's 40 tensors; the first is 'block_2/attention/output/bias'",
        ),
        (
            set_backbone("num_layers", 1),
            "has 12 tensors that the model has no variable for; the first is 'block_1/",
        ),
        (
            lambda config: config["backbone"].__setitem__("class", "gone>Backbone"),
            "needs the class 'gone>Backbone', which is not registered",
        ),
        (
            lambda config: config["backbone"].__setitem__("class", "tfzoo>relu_squared"),
            "needs the class 'tfzoo>relu_squared', which is not registered",
        ),
    ],
)
def test_a_preset_that_does_not_fit_is_refused(tmp_path, edit, sentence):
    folder = tmp_path / "model"
    preset.save(make_task(), folder)
    edit_config(folder, edit)
    with pytest.raises(ValueError, match=sentence):
        preset.load_task(GPTCausalLM, folder)


def test_a_tokenizer_with_more_tokens_than_the_backbone_is_refused(tmp_path):
    preset.save(make_task(CausalLMPreprocessor(ByteTokenizer("abc"), 5), 5), tmp_path / "fits")
    preset.load_task(GPTCausalLM, tmp_path / "fits")
    ByteTokenizer("abcd").save(tmp_path / "fits")
    with pytest.raises(
        ValueError, match="fits must have at most .* embeds, 5; received one with 6"
    ):
        preset.load_task(GPTCausalLM, tmp_path / "fits")


def test_a_missing_tokenizer_file_is_named(tmp_path):
    preset.save(make_task(CausalLMPreprocessor(ByteTokenizer("abc"), 5)), tmp_path / "model")
    (tmp_path / "model" / "byte_tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match="byte_tokenizer.json does not exist"):
        preset.load_task(GPTCausalLM, tmp_path / "model")


def test_only_dropout_and_dtype_can_be_changed(tmp_path):
    preset.save(make_task(), tmp_path / "model")
    with pytest.raises(ValueError, match="Only dropout and dtype can be .*; received `num_heads`"):
        preset.load_task(GPTCausalLM, tmp_path / "model", num_heads=2)


def test_another_class_of_backbone_is_refused(tmp_path):
    class OtherBackbone(keras.Model):
        pass

    preset.save(make_task(), tmp_path / "model")
    with pytest.raises(ValueError, match="must hold a OtherBackbone;.* holds a GPTBackbone"):
        preset.load_backbone(OtherBackbone, tmp_path / "model")


def test_two_variables_of_one_name_are_refused(tmp_path):
    task = Classifier(make_task().backbone)
    task.second = keras.layers.Dense(3, name="classes")
    task.second.build((None, 12))
    with pytest.raises(ValueError, match="two of the path 'task/classes/kernel'"):
        preset.save(task, tmp_path / "model")
