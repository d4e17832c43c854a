"""What every layer promises: one list, one promise per test."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import (
    DecoderBlock,
    Dropout,
    FeedForward,
    LayerNorm,
    RMSNorm,
    SelfAttention,
    attention_penalty,
    gelu_approximate,
    visible_slots,
)

B, T, D = 2, 5, 14
NORMAL = keras.initializers.RandomNormal(stddev=0.7)

# Every argument differs from its default.
LAYERS = {
    "layer_norm": (LayerNorm, dict(epsilon=0.5)),
    "rms_norm": (RMSNorm, dict(epsilon=0.5)),
    "dropout": (Dropout, dict(rate=0.25, seed=7)),
    "feed_forward": (
        FeedForward,
        dict(
            intermediate_dim=11,
            activation=gelu_approximate,
            use_bias=False,
            dropout=0.25,
            kernel_initializer=NORMAL,
            output_initializer="he_normal",
        ),
    ),
    "attention": (
        SelfAttention,
        dict(
            num_heads=2,
            normalize_queries_and_keys=True,
            use_bias=False,
            dropout=0.25,
            kernel_initializer=NORMAL,
            output_initializer="he_normal",
        ),
    ),
    "decoder_block": (
        DecoderBlock,
        dict(
            num_heads=2,
            intermediate_dim=11,
            dropout=0.25,
            activation=gelu_approximate,
            rms_norm=True,
            normalize_queries_and_keys=True,
            kernel_initializer=NORMAL,
            branch_initializer="he_normal",
        ),
    ),
    "attention_with_biases": (SelfAttention, dict(num_heads=2)),
    "feed_forward_with_biases": (FeedForward, dict(intermediate_dim=11)),
    "decoder_block_with_biases": (DecoderBlock, dict(num_heads=2, intermediate_dim=11)),
}


WITH_DROPOUT = [
    name for name, (_, arguments) in LAYERS.items() if {"dropout", "rate"} & {*arguments}
]


@pytest.fixture(params=LAYERS)
def layer(request):
    kind, arguments = LAYERS[request.param]
    layer = kind(**arguments, name=request.param)
    layer.build((None, None, D))
    return layer


def outputs(layer, **arguments):
    """The layer on inputs that vary, in its own precision."""
    x = np.random.default_rng(31).normal(size=(B, T, D)).astype(layer.compute_dtype)
    if isinstance(layer, (SelfAttention, DecoderBlock)):
        return layer(x, attention_penalty(visible_slots(T, T), layer.compute_dtype), **arguments)[0]
    return layer(x, **arguments)


def test_config_round_trip(layer):
    twin = type(layer).from_config(layer.get_config())
    twin.build((None, None, D))
    twin.set_weights(layer.get_weights())
    assert twin.get_config() == layer.get_config()
    assert [w.path for w in twin.weights] == [w.path for w in layer.weights]
    np.testing.assert_array_equal(outputs(twin), outputs(layer))


def test_config_names_every_argument(layer):
    kind, arguments = LAYERS[layer.name]
    config = layer.get_config()
    for name, value in arguments.items():
        if name.endswith("initializer"):
            value = keras.initializers.serialize(keras.initializers.get(value))
        if name == "activation":
            value = keras.activations.serialize(value)
        assert config[name] == value, name


def test_config_comes_back_by_name(layer):
    text = keras.saving.serialize_keras_object(layer)
    assert text["registered_name"] == f"tfzoo>{type(layer).__name__}"
    assert keras.saving.deserialize_keras_object(text).get_config() == layer.get_config()


def test_every_weight_gets_a_finite_gradient(layer):
    with tf.GradientTape() as tape:
        y = outputs(layer)
        # Uneven weights: an even sum would lose what softmax or normalisation keeps constant.
        loss = tf.reduce_sum(y * np.random.default_rng(37).normal(size=y.shape))
    for weight, gradient in zip(
        layer.trainable_weights, tape.gradient(loss, layer.trainable_weights), strict=True
    ):
        assert np.all(np.isfinite(gradient)), weight.path
        biggest = np.abs(gradient).max()
        assert biggest > 1e-4, weight.path


@pytest.mark.parametrize("name", WITH_DROPOUT)
def test_dropout_comes_from_a_seed_and_only_in_training(name):
    kind, arguments = LAYERS[name]

    def fresh():
        keras.utils.set_random_seed(3)
        layer = kind(**arguments)
        layer.build((None, None, D))
        return layer

    one, same = fresh(), fresh()
    silent = outputs(one)
    np.testing.assert_array_equal(outputs(one), silent)
    first = outputs(one, training=True)
    np.testing.assert_array_equal(outputs(same, training=True), first)
    second = outputs(one, training=True)
    for noisy in (first - silent, second - silent, first - second):
        assert np.abs(noisy).max() > 1e-2


@pytest.mark.parametrize("name", LAYERS)
def test_mixed_precision_keeps_wide_weights_and_gives_narrow_outputs(name):
    kind, arguments = LAYERS[name]
    layer = kind(**arguments, dtype="mixed_bfloat16")
    layer.build((None, None, D))
    assert {weight.dtype for weight in layer.weights} <= {"float32"}
    narrow = outputs(layer)
    assert narrow.dtype == "bfloat16"
    wide = kind(**arguments)
    wide.build((None, None, D))
    wide.set_weights(layer.get_weights())
    error = np.abs(tf.cast(narrow, "float32") - outputs(wide))
    assert error.max() < 0.05 * np.abs(outputs(wide)).max()


def test_equal_inside_xla(layer):
    compiled = tf.function(lambda: outputs(layer), jit_compile=True)
    np.testing.assert_allclose(compiled(), outputs(layer), rtol=1e-4, atol=1e-5)
