"""A model whose weights are cut over devices trains as the whole model does on one."""

import functools
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tests.laws.tensor_parallel_worker import TEXTS, compiled, gpt, trained, variables
from tfzoo import distribution, export
from tfzoo.models import GAN, GPTCausalLM, MLPDiscriminator, MLPGenerator
from tfzoo.optimizers import MuonAdamW


@pytest.fixture(autouse=True)
def forgotten():
    """Lets the models of other tests be built without a scope."""
    yield
    distribution.one_device()


@functools.cache
def on_one_device(name):
    return trained(name, distribution.one_device())


def assert_equal_to_one_device(name, found):
    (expected, logs, predictions), (cut, cut_logs, cut_predictions) = on_one_device(name), found
    for (path, a), (_, b) in zip(expected, cut, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5, err_msg=path)
    assert logs.keys() == cut_logs.keys() and {"gradient_norm", "val_perplexity"} <= logs.keys()
    for key, value in logs.items():
        np.testing.assert_allclose(value, cut_logs[key], rtol=1e-5, err_msg=key)
    np.testing.assert_allclose(predictions, cut_predictions, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "mesh"),
    [
        ("gpt", (1, 2)),
        ("gpt", (2, 1)),
        ("modern_gpt", (1, 2)),
        ("bert", (1, 2)),
        ("bert", (2, 1)),
        ("adapted_bert", (1, 2)),
    ],
)
def test_a_mesh_of_two_trains_what_one_device_does(name, mesh):
    assert_equal_to_one_device(name, trained(name, distribution.tensor_parallel(mesh)))


def test_a_mesh_of_four_trains_what_one_device_does(tmp_path):
    # This process has two devices only.
    arguments = [str(tmp_path / "found"), "2", "2", "gpt", "bert"]
    subprocess.run(
        [sys.executable, "-m", "tests.laws.tensor_parallel_worker", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    with open(tmp_path / "found", "rb") as file:
        for name, found in pickle.load(file).items():
            assert_equal_to_one_device(name, found)


def test_a_device_holds_its_part_of_every_matrix_and_of_what_adamw_remembers():
    with distribution.tensor_parallel((1, 2)).scope():
        model = compiled("bert")
    shapes = {v.path: [s.shape for s in v.value.shards()] for v in model.optimizer.variables}
    of_block = "block_0_attention_output_kernel_velocity"
    assert [s for path, s in shapes.items() if path.endswith(of_block)] == [[(6, 12), (6, 12)]]
    shapes = {v.path: v.value.shards()[1].shape for v in model.backbone.variables}
    block = {path[8:]: shape for path, shape in shapes.items() if path.startswith("block_0/")}
    assert shapes["token_embedding/embeddings"] == (10, 12)
    assert block == {
        "attention/query_key_value/kernel": (12, 18),
        "attention/query_key_value/bias": (18,),
        "attention/output/kernel": (6, 12),
        "attention/output/bias": (12,),
        "attention_norm/scale": (12,),
        "attention_norm/bias": (12,),
        "feed_forward/expand/kernel": (12, 7),
        "feed_forward/expand/bias": (7,),
        "feed_forward/contract/kernel": (7, 12),
        "feed_forward/contract/bias": (12,),
        "feed_forward_norm/scale": (12,),
        "feed_forward_norm/bias": (12,),
    }


def test_a_device_has_the_heads_that_it_computes():
    whole = gpt().backbone.blocks[0].attention.query_key_value
    with distribution.tensor_parallel((1, 2)).scope():
        cut = gpt().backbone.blocks[0].attention.query_key_value
    cut.kernel.assign(whole.kernel)
    # Two heads of six: of the queries, the keys and the values the second device has columns 6-11.
    second = whole.kernel.numpy().reshape(12, 3, 12)[:, :, 6:].reshape(12, 18)
    np.testing.assert_array_equal(cut.kernel.value.shards()[1], second)


def test_two_devices_hold_a_model_of_twice_the_size():
    def bytes_of(num_layers, mesh):
        strategy = distribution.tensor_parallel(mesh)
        with strategy.scope():
            model = gpt(num_layers=num_layers, num_heads=4, hidden_dim=40, intermediate_dim=160)
            model.compile()
        [*devices] = strategy.bytes_per_device([*model.variables, *model.optimizer.variables])
        assert len(devices) == np.prod(mesh) and len(set(devices)) == 1
        return devices[0]

    # Three numbers for each weight, and biases and norms are in both.
    assert bytes_of(6, (1, 2)) < 1.05 * bytes_of(3, (1, 1))


def test_checkpoints_of_both_are_those_of_the_other(tmp_path):
    whole = compiled("gpt")
    whole.save_to_preset(tmp_path / "whole")
    strategy = distribution.tensor_parallel((1, 2))
    with strategy.scope():
        cut = GPTCausalLM.from_preset(tmp_path / "whole")
        cut.compile()
        fresh = compiled("bert")
    cut.save_to_preset(tmp_path / "cut")
    fresh.save_weights(tmp_path / "cut.weights.h5")
    distribution.one_device()
    again, bert = GPTCausalLM.from_preset(tmp_path / "cut"), compiled("bert")
    for a, b in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for variable in bert.variables:
        variable.assign(variable + 1)
    bert.load_weights(tmp_path / "cut.weights.h5")
    for a, b in zip(fresh.get_weights(), bert.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    bert.optimizer.iterations.assign(7)
    bert.save_weights(tmp_path / "whole.weights.h5")
    fresh.load_weights(tmp_path / "whole.weights.h5")
    for (path, a), (_, b) in zip(variables(bert), variables(fresh), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=path)
    tf.train.Checkpoint(model=bert).write(tmp_path / "checkpoint")
    fresh.set_weights([weight + 1 for weight in fresh.get_weights()])
    tf.train.Checkpoint(model=fresh).read(tmp_path / "checkpoint").expect_partial()
    for a, b in zip(bert.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# Bad input


def test_what_does_not_divide_is_refused_with_its_numbers():
    with distribution.tensor_parallel((1, 2)).scope():
        sentence = "`num_heads` must be a multiple of the 2 devices that share them; received 3"
        with pytest.raises(ValueError, match=sentence):
            gpt(num_heads=3)
        sentence = r"`mesh`, 2, must divide axis 1 of 'block_0/feed_forward/expand/kernel'.*12, 13"
        with pytest.raises(ValueError, match=sentence):
            gpt(intermediate_dim=13)
    with distribution.tensor_parallel((2, 1)).scope():
        model = compiled("gpt")
    with pytest.raises(ValueError, match="must be a multiple of the 2 replicas.*received 3 rows"):
        model.fit(TEXTS, batch_size=3)


def test_a_mesh_without_its_devices_is_refused():
    for mesh in (2, (1,), (0, 2), (1, 2.0)):
        with pytest.raises(ValueError, match=r"`mesh` must be a tuple \(data, model\) of two int"):
            distribution.tensor_parallel(mesh)
    with pytest.raises(ValueError, match=r"received 2 x 2 for 2 devices.*logical_cpus\(4\)"):
        distribution.tensor_parallel((2, 2))
    with pytest.raises(ValueError, match="must be different ones"):
        distribution.tensor_parallel((1, 2), ["CPU:0", "CPU:7"])


def test_what_would_be_wrong_on_a_mesh_is_refused(tmp_path):
    with distribution.tensor_parallel((1, 2)).scope():
        model = compiled("gpt")
        for optimizer in (MuonAdamW(), keras.optimizers.Lion()):
            with pytest.raises(ValueError, match="must be SGD, Adam or AdamW; received"):
                model.compile(optimizer)
        with pytest.raises(ValueError, match="`jit_compile` must be False for a tensor-parallel"):
            model.compile(jit_compile=True)
        with pytest.raises(ValueError, match="`gradient_accumulation` must be 1.*received 2"):
            model.compile(gradient_accumulation=2)
        model.compile()
        networks = MLPGenerator((2,), (7,), output_activation=None), MLPDiscriminator((11,))
        with pytest.raises(
            ValueError, match="can be tensor-parallel, GPT and BERT; received another"
        ):
            GAN(*networks, latent_dim=5).compile()
    for act in (
        lambda: model.generate("a", max_new_tokens=3),
        lambda: export(model, tmp_path / "saved"),
    ):
        with pytest.raises(
            ValueError, match="can `fit`, `evaluate` and `predict`; received a call"
        ):
            act()
    assert not (tmp_path / "saved").exists()


def test_a_model_without_the_scope_is_refused():
    distribution.tensor_parallel((1, 2))
    with pytest.raises(ValueError, match="made a TensorParallel of 2 devices; received a model b"):
        compiled("gpt")
