import json

import numpy as np
import pytest
from safetensors import safe_open

from tfzoo.checkpoints import hugging_face_gpt2, read_tensors, write_tensors
from tfzoo.models import GPTBackbone

SIZES = dict(vocab_size=17, n_layer=1, n_head=3, n_embd=6, n_positions=7, n_inner=5)
SHAPES = {
    "wte.weight": (17, 6),
    "wpe.weight": (7, 6),
    "h.0.ln_1.weight": (6,),
    "h.0.ln_1.bias": (6,),
    "h.0.attn.c_attn.weight": (6, 18),
    "h.0.attn.c_attn.bias": (18,),
    "h.0.attn.c_proj.weight": (6, 6),
    "h.0.attn.c_proj.bias": (6,),
    "h.0.ln_2.weight": (6,),
    "h.0.ln_2.bias": (6,),
    "h.0.mlp.c_fc.weight": (6, 5),
    "h.0.mlp.c_fc.bias": (5,),
    "h.0.mlp.c_proj.weight": (5, 6),
    "h.0.mlp.c_proj.bias": (6,),
    "ln_f.weight": (6,),
    "ln_f.bias": (6,),
}


def random_tensors(shapes=SHAPES):
    generator = np.random.default_rng(3)
    return {name: generator.normal(size=size).astype("float32") for name, size in shapes.items()}


def write_folder(folder, tensors=None, **config):
    write_tensors(folder, random_tensors() if tensors is None else tensors)
    config = {"model_type": "gpt2", **SIZES, **config}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_config_and_names_are_translated(tmp_path):
    tensors = random_tensors()
    config, weights = hugging_face_gpt2.read(write_folder(tmp_path, tensors))
    activation = config.pop("activation")
    assert activation["config"] == "tfzoo>gelu_approximate"
    assert config == {
        "vocabulary_size": 17,
        "num_layers": 1,
        "num_heads": 3,
        "hidden_dim": 6,
        "intermediate_dim": 5,
        "dropout": 0.1,
        "max_sequence_length": 7,
        "tie_embeddings": True,
    }
    theirs_of = {
        "token_embedding/embeddings": "wte.weight",
        "block_0/attention_norm/scale": "h.0.ln_1.weight",
        "block_0/attention/query_key_value/kernel": "h.0.attn.c_attn.weight",
        "block_0/attention/output/bias": "h.0.attn.c_proj.bias",
        "block_0/feed_forward/contract/kernel": "h.0.mlp.c_proj.weight",
        "final_norm/bias": "ln_f.bias",
    }
    assert len(weights) == len(tensors)
    for ours, theirs in theirs_of.items():
        np.testing.assert_array_equal(np.asarray(weights[ours]), tensors[theirs])


def test_every_path_is_a_variable_of_the_backbone(tmp_path):
    tensors = random_tensors({**SHAPES, "lm_head.weight": (17, 6)})
    folder = write_folder(tmp_path, tensors, tie_word_embeddings=False)
    config, weights = hugging_face_gpt2.read(folder)
    backbone = GPTBackbone(**config)
    assert {v.path: tuple(v.shape) for v in backbone.weights} == {
        path: tensor.shape for path, tensor in weights.items()
    }


def test_a_tied_head_may_be_stored_and_a_different_head_is_believed(tmp_path):
    tensors = random_tensors()
    tensors["lm_head.weight"] = tensors["wte.weight"].copy()
    config, weights = hugging_face_gpt2.read(write_folder(tmp_path, tensors))
    assert config["tie_embeddings"] is True and "head/kernel" not in weights

    tensors["lm_head.weight"][16, 5] += 1
    config, weights = hugging_face_gpt2.read(write_folder(tmp_path, tensors))
    assert config["tie_embeddings"] is False
    np.testing.assert_array_equal(np.asarray(weights["head/kernel"]), tensors["lm_head.weight"].T)


@pytest.mark.parametrize(
    "theirs, ours",
    [
        ("gelu", "gelu"),
        ("gelu_pytorch_tanh", "tfzoo>gelu_approximate"),
        ("relu", "relu"),
        ("relu2", "tfzoo>relu_squared"),
        ("swish", "silu"),
    ],
)
def test_activations_are_translated(tmp_path, theirs, ours):
    config, _ = hugging_face_gpt2.read(write_folder(tmp_path, activation_function=theirs))
    activation = GPTBackbone(**config).get_config()["activation"]
    assert (activation["config"] if isinstance(activation, dict) else activation) == ours


def test_three_dropout_rates_become_one_with_a_warning(tmp_path):
    folder = write_folder(tmp_path, resid_pdrop=0.2, embd_pdrop=0.2, attn_pdrop=0.0)
    with pytest.warns(UserWarning, match="'attn_pdrop': 0.0.*has one: 0.2 is taken"):
        config, _ = hugging_face_gpt2.read(folder)
    assert config["dropout"] == 0.2


@pytest.mark.parametrize(
    "key, value, expected",
    [
        ("model_type", "gpt_neo", "model_type 'gpt2'; received 'gpt_neo'"),
        ("layer_norm_epsilon", 1e-6, "layer_norm_epsilon 1e-06.*only 1e-05"),
        ("scale_attn_weights", False, "scale_attn_weights False.*only True"),
        ("scale_attn_by_inverse_layer_idx", True, "scale_attn_by_inverse_layer_idx True"),
        ("reorder_and_upcast_attn", True, "reorder_and_upcast_attn True.*only False"),
        ("add_cross_attention", True, "add_cross_attention True.*only False"),
        ("activation_function", "mish", "activation_function among gelu,.*received 'mish'"),
        ("n_head", None, "n_head, an integer above 0; received None"),
        ("n_embd", "6", "n_embd, an integer above 0; received '6'"),
        ("n_inner", 0, "n_inner, an integer above 0; received 0"),
    ],
)
def test_another_network_is_refused(tmp_path, key, value, expected):
    with pytest.raises(ValueError, match=f"config.json .*{expected}"):
        hugging_face_gpt2.read(write_folder(tmp_path, **{key: value}))


def test_missing_and_left_over_tensors_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"lacks 12 of the 28.*'transformer.h.1.attn.c_attn.bias'"):
        hugging_face_gpt2.read(write_folder(tmp_path, n_layer=2))
    tensors = random_tensors({**SHAPES, "score.weight": (2, 6)})
    with pytest.raises(ValueError, match="1 tensors more than.*'score.weight' in .*safetensors"):
        hugging_face_gpt2.read(write_folder(tmp_path, tensors))
    del tensors["wte.weight"], tensors["score.weight"]
    with pytest.raises(ValueError, match="lacks 1 of the 16 .*'transformer.wte.weight'"):
        hugging_face_gpt2.read(write_folder(tmp_path, tensors))


def test_broken_configs_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="config.json does not exist"):
        hugging_face_gpt2.read(tmp_path)
    write_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gp')
    with pytest.raises(ValueError, match="config.json is not readable JSON.*truncated"):
        hugging_face_gpt2.read(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"config.json must hold a JSON object; received \[1\]"):
        hugging_face_gpt2.read(tmp_path)


@pytest.mark.parametrize("tied", [True, False])
def test_what_was_read_is_written_bit_for_bit(tmp_path, tied):
    shapes = SHAPES if tied else {**SHAPES, "lm_head.weight": (17, 6)}
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    tensors = random_tensors(shapes)
    before = write_folder(tmp_path / "before", tensors, tie_word_embeddings=tied)
    config, weights = hugging_face_gpt2.read(before)
    config = GPTBackbone(**config).get_config()
    hugging_face_gpt2.write(tmp_path / "after", config, weights, start_token_id=2, end_token_id=3)

    written = {
        name.removeprefix("transformer."): tensor
        for name, tensor in read_tensors(tmp_path / "after").items()
    }
    assert written.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(np.asarray(written[name]), tensor)
    expected = {
        "model_type": "gpt2",
        "tie_word_embeddings": tied,
        "bos_token_id": 2,
        "dtype": "float32",
        "eos_token_id": 3,
        "activation_function": "gelu_new",
        **SIZES,
    }
    assert expected.items() <= json.loads((tmp_path / "after" / "config.json").read_text()).items()


def test_hugging_face_finds_its_mark_in_the_file(tmp_path):
    backbone = GPTBackbone(17, 1, 3, 6, 5, max_sequence_length=7)
    weights = {variable.path: variable.numpy() for variable in backbone.weights}
    hugging_face_gpt2.write(tmp_path, backbone.get_config(), weights)
    with safe_open(tmp_path / "model.safetensors", "np") as file:
        assert file.metadata() == {"format": "pt"}


@pytest.mark.parametrize("name", ["rotary", "rms_norm", "normalize_queries_and_keys"])
def test_a_modern_backbone_is_no_gpt2(tmp_path, name):
    config = GPTBackbone(17, 1, 3, 6, **{name: True}).get_config()
    with pytest.raises(ValueError, match=f"`{name}` False is a GPT-2.*received True.*preset"):
        hugging_face_gpt2.write(tmp_path, config, {})
    assert list(tmp_path.iterdir()) == []


def test_caps_and_foreign_activations_are_no_gpt2(tmp_path):
    config = GPTBackbone(17, 1, 3, 6, logit_soft_cap=15.0).get_config()
    with pytest.raises(ValueError, match="`logit_soft_cap` None is a GPT-2.*received 15.0"):
        hugging_face_gpt2.write(tmp_path, config, {})
    config = GPTBackbone(17, 1, 3, 6, activation="softsign").get_config()
    with pytest.raises(ValueError, match="`activation` must be one that Hugging Face has.*softsig"):
        hugging_face_gpt2.write(tmp_path, config, {})
