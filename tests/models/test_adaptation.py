"""Frozen layers stay, LoRA learns, merged it computes the same, and all of it survives saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfzoo
from tests.laws.bert_classifiers import text_batch, text_classifier
from tfzoo.data import batches
from tfzoo.layers import LowRankUpdate
from tfzoo.models import BertBackbone, count_trainable, merge_lora
from tfzoo.optimizers import AdamW


def build(seed=4, rank=3, alpha=6.0, **arguments):
    keras.utils.set_random_seed(seed)
    model = text_classifier(**arguments)
    model.backbone.enable_lora(rank, alpha)
    return model


def trained(model, data, epochs=2, optimizer=None):
    model.compile(optimizer or keras.optimizers.SGD(0.5), max_gradient_norm=None)
    model.fit(batches(data, 4), epochs=epochs, verbose=0)
    return model


@pytest.fixture
def data():
    return text_batch(np.random.default_rng(2), 8)


def test_an_update_is_the_product_of_its_matrices():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 5)).astype("float32")
    update = LowRankUpdate(7, rank=2, alpha=6.0)
    np.testing.assert_array_equal(update(x), np.zeros((2, 3, 7)))
    update.b.assign(rng.normal(size=(2, 7)))
    a, b = update.get_weights()
    np.testing.assert_allclose(update(x), 3 * x @ a @ b, rtol=1e-5)
    np.testing.assert_allclose(update.matrix(), 3 * a @ b, rtol=1e-5)
    twin = LowRankUpdate.from_config(update.get_config())
    twin.build((None, 5))
    twin.set_weights([a, b])
    np.testing.assert_array_equal(twin(x), update(x))
    with pytest.raises(ValueError, match="`rank` must be at least 1; received 0"):
        LowRankUpdate(7, rank=0)


def test_only_the_updates_and_the_head_move(data):
    model = build()
    before = {v.path: v.numpy() for v in model.weights}
    trained(model, data)
    moved = {v.path for v in model.weights if not np.array_equal(v.numpy(), before[v.path])}
    assert moved == {v.path for v in model.trainable_variables}
    assert {path.split("/")[-1] for path in moved} == {"a", "b", "kernel", "bias"}
    assert len(moved) == 2 * 2 * 2 + 2 and all("update" in p or "head" in p for p in moved)
    # D 18: (18 + 54) and (18 + 18) for each rank and block, and the head.
    assert count_trainable(model) == 2 * 3 * (72 + 36) + 18 * 7 + 7


def test_enabling_changes_nothing_and_merging_neither(data):
    keras.utils.set_random_seed(4)
    plain = text_classifier()
    model = build()
    np.testing.assert_array_equal(model(data[0]), plain(data[0]))
    trained(model, data)
    assert np.abs(model(data[0]) - plain(data[0])).max() > 0.1
    merged = merge_lora(model)
    np.testing.assert_allclose(merged(data[0]), model(data[0]), atol=1e-5)
    assert not any("update" in variable.path for variable in merged.weights)
    assert merged.class_names == model.class_names
    backbone = merge_lora(model.backbone)
    found = backbone(data[0])["sequence_output"]
    np.testing.assert_allclose(found, model.backbone(data[0])["sequence_output"], atol=1e-5)
    assert merge_lora(plain) is plain


def test_the_update_is_what_a_whole_matrix_would_learn_in_its_span(data):
    """The gradient of B is A' times that of the matrix, by the chain rule."""
    model = build(alpha=3.0)
    plain = merge_lora(model)
    x, targets, weights = data

    def gradient(task, variable):
        with tf.GradientTape() as tape:
            tape.watch(variable.value)
            losses = task._example_losses(targets, task(x))
            loss = tf.reduce_sum(losses * weights)
        return tape.gradient(loss, variable.value)

    model.compile()
    plain.compile()
    update = model.backbone.blocks[1].attention.updates[0]
    whole = plain.backbone.blocks[1].attention.query_key_value.kernel
    expected = tf.matmul(update.a, gradient(plain, whole), transpose_a=True)
    assert np.abs(expected).max() > 1e-4
    np.testing.assert_allclose(gradient(model, update.b), expected, atol=1e-6)


@pytest.mark.parametrize("frozen", [None, 1])
def test_a_saved_run_goes_on_exactly(tmp_path, data, frozen):
    def fresh():
        model = build()
        if frozen is not None:
            model.backbone.freeze_layers(frozen)
        return trained(model, data, epochs=1, optimizer=AdamW(0.01))

    whole, half = fresh(), fresh()
    half.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    assert count_trainable(again) == count_trainable(whole)
    for model in (whole, again):
        model.fit(batches(data, 4), verbose=0)
    for one, two in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_presets_and_exports(tmp_path, data):
    model = trained(build(), data)
    model.save_to_preset(tmp_path / "preset")
    twin = type(model).from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(twin(data[0]), model(data[0]))
    assert count_trainable(twin) == count_trainable(model)
    tfzoo.export(model, tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served"))
    answer = served.signatures["classify"](text=tf.constant(["a bee", "d"]))
    expected = [
        [dict(a)[name] for name in model.class_names] for a in model.classify(["a bee", "d"])
    ]
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    names = [variable.name for variable in served.weights]
    assert any("query" in name for name in names)
    assert not any("update" in name for name in names)
    assert "lora_rank" in model.backbone.adaptation  # the live model still has its own


def test_replicas_learn_what_one_device_learns(two_replicas, data):
    results = []
    for strategy in (tf.distribute.OneDeviceStrategy("CPU:0"), two_replicas):
        with strategy.scope():
            model = build()
            model.compile(keras.optimizers.SGD(0.5))
        model.fit(batches(data, 4), epochs=2, verbose=0)
        results.append(model.get_weights())
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_frozen_layers_stay(data):
    model = text_classifier()
    model.backbone.freeze_layers(1)
    before = {v.path: v.numpy() for v in model.weights}
    trained(model, data)
    still = {v.path for v in model.weights if np.array_equal(v.numpy(), before[v.path])}
    assert still == {v.path for v in model.weights if not v.trainable or "pooler" in v.path}
    assert any("block_0" in path for path in still) and any("embedding" in p for p in still)
    assert not any("block_1" in path for path in still)


def test_bad_arguments_get_a_sentence():
    backbone = BertBackbone(7, 2, 2, 4)
    with pytest.raises(ValueError, match="`num_layers` must be from 0 to 2.*; received 3"):
        backbone.freeze_layers(3)
    backbone.enable_lora(1)
    with pytest.raises(ValueError, match="enabled only once; it is, with rank 1"):
        backbone.enable_lora(1)
