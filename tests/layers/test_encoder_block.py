import keras
import numpy as np
import pytest

from tfzoo.layers import EncoderBlock, attention_penalty

B, T, H, D, F = 2, 5, 2, 14, 11


@pytest.fixture
def x():
    return np.random.default_rng(31).normal(size=(B, T, D)).astype("float32")


@pytest.fixture
def penalty():
    real = np.arange(T) < np.array([[T], [3]])
    return attention_penalty(real[:, None], "float32")


def norm(x, epsilon, layer):
    centered = x - x.mean(-1, keepdims=True)
    normal = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + epsilon)
    return normal * layer.scale.numpy() + layer.bias.numpy()


def test_normalizes_each_sum_of_input_and_branch(x, penalty):
    block = EncoderBlock(H, F, layer_norm_epsilon=0.3, activation="tanh")
    outputs = block(x, penalty)
    for layer in (block.attention_norm, block.feed_forward_norm):
        layer.scale.assign(np.linspace(0.5, 2, D))
        layer.bias.assign(np.linspace(-1, 1, D))
    outputs = block(x, penalty)
    middle = norm(x + block.attention(x, penalty)[0].numpy(), 0.3, block.attention_norm)
    branch = block.feed_forward(middle).numpy()
    expected = norm(middle + branch, 0.3, block.feed_forward_norm)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)


def test_what_is_hidden_changes_nothing(x, penalty):
    block = EncoderBlock(H, F)
    other = x.copy()
    other[1, 3:] += 7
    before, after = block(x, penalty).numpy(), block(other, penalty).numpy()
    np.testing.assert_allclose(after[1, :3], before[1, :3], rtol=1e-5, atol=1e-6)
    assert np.abs(after[1, 3:] - before[1, 3:]).max() > 0.01


def test_arguments_reach_the_parts():
    block = EncoderBlock(H, F, 0.25, 0.125, "sigmoid")
    block.build((None, None, D))
    assert block.feed_forward.activation is keras.activations.sigmoid
    assert block.attention.dropout.rate == 0.125
    assert block.dropout.rate == block.feed_forward.dropout.rate == 0.25
    block = EncoderBlock(H, F, 0.25)
    assert block.attention.dropout_rate == 0.25


def test_one_initializer_gives_every_matrix_its_own_numbers():
    block = EncoderBlock(H, D, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02))
    block.build((None, None, D))
    first, second = block.feed_forward.expand.kernel, block.feed_forward.contract.kernel
    assert np.abs(first - second).max() > 0.001


def test_config_makes_it_again(x, penalty):
    block = EncoderBlock(H, F, 0.25, 0.5, "relu", 0.1, "ones")
    block(x, penalty)
    again = EncoderBlock.from_config(block.get_config())
    again.build(x.shape)
    again.set_weights(block.get_weights())
    assert again.get_config() == block.get_config()
    np.testing.assert_array_equal(again(x, penalty), block(x, penalty))
