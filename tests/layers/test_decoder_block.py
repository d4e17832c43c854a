import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import DecoderBlock, LayerNorm, RMSNorm, attention_penalty, visible_slots

B, T, H, D, F = 2, 5, 2, 14, 11


@pytest.fixture
def x():
    return np.random.default_rng(29).normal(size=(B, T, D)).astype("float32")


@pytest.fixture
def penalty():
    return attention_penalty(visible_slots(T, T), "float32")


@pytest.mark.parametrize("rms_norm", [False, True])
def test_adds_two_branches_that_read_normalized_inputs(x, penalty, rms_norm):
    block = DecoderBlock(H, F, rms_norm=rms_norm)
    outputs, keys, values = block(x, penalty)
    attended, own_keys, own_values = block.attention(block.attention_norm(x), penalty)
    middle = x + attended
    expected = middle + block.feed_forward(block.feed_forward_norm(middle))
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(keys, own_keys)
    np.testing.assert_array_equal(values, own_values)
    norm = RMSNorm if rms_norm else LayerNorm
    assert type(block.attention_norm) is type(block.feed_forward_norm) is norm
    assert any("bias" in weight.path for weight in block.weights) != rms_norm


def test_arguments_reach_the_parts():
    block = DecoderBlock(H, F, 0.25, "sigmoid", normalize_queries_and_keys=True)
    block.build((None, None, D))
    assert block.attention.normalize_queries_and_keys
    assert block.feed_forward.activation is keras.activations.sigmoid
    dropouts = block.dropout, block.attention.dropout, block.feed_forward.dropout
    assert [dropout.rate for dropout in dropouts] == [0.25] * 3


def test_names_of_the_weights_are_stable():
    block = DecoderBlock(H, F, name="block_3")
    block.build((None, None, D))
    kernels = {w.path: w.shape for w in block.weights if w.path.endswith("kernel")}
    assert kernels == {
        "block_3/attention/query_key_value/kernel": (D, 3 * D),
        "block_3/attention/output/kernel": (D, D),
        "block_3/feed_forward/expand/kernel": (D, F),
        "block_3/feed_forward/contract/kernel": (F, D),
    }


def test_one_initializer_gives_every_matrix_its_own_numbers():
    normal = keras.initializers.RandomNormal(stddev=0.02)
    block = DecoderBlock(H, F, kernel_initializer=normal, branch_initializer=normal)
    block.build((None, None, D))
    kernels = [w.numpy().ravel()[:100] for w in block.weights if w.path.endswith("kernel")]
    # Four matrices of independent numbers: a correlation of 100 of them is 0.1 by chance.
    correlations = np.corrcoef(kernels)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 0.45


def test_branch_initializer_goes_to_what_writes():
    block = DecoderBlock(H, F, branch_initializer="zeros")
    block.build((None, None, D))
    zero = {w.path.split("/")[-2] for w in block.weights if "kernel" in w.path and not np.any(w)}
    assert zero == {"output", "contract"}


def test_zero_branches_start_as_the_identity(x, penalty):
    outputs, _, _ = DecoderBlock(H, F, branch_initializer="zeros")(x, penalty)
    np.testing.assert_array_equal(outputs, x)


def test_dropout_is_silent_at_inference_and_acts_on_both_branches(x, penalty):
    # Branches of large numbers: a kept sum of two is told from a sum of one and a zero.
    block = DecoderBlock(H, F, dropout=0.5)
    block(x, penalty)
    silent, _, _ = block(x, penalty)
    np.testing.assert_array_equal(block(x, penalty)[0], silent)
    # Without attention's own output the second branch alone is dropped, and the other way round.
    for branch in (block.attention.output_projection, block.feed_forward.contract):
        weights = branch.get_weights()
        branch.set_weights([np.zeros_like(w) for w in weights])
        noisy, _, _ = block(x, penalty, training=True)
        dropped = np.asarray(noisy) == x
        assert 0.3 < dropped.mean() < 0.7
        branch.set_weights(weights)


def test_a_cache_goes_through(x):
    block = DecoderBlock(H, F)
    whole, _, _ = block(x, attention_penalty(visible_slots(T, T), "float32"))
    keys = values = tf.zeros([B, H, T, D // H])
    for t in range(T):
        one = attention_penalty(visible_slots(1, T, t), "float32")
        piece, keys, values = block(x[:, t : t + 1], one, cache=(keys, values, tf.constant(t)))
        np.testing.assert_allclose(piece[:, 0], whole[:, t], rtol=1e-4, atol=1e-5)
