import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import SelfAttention, attention_penalty, rotary_angles, visible_slots

B, T, H, K = 2, 5, 3, 4
D = H * K
POSITIONS = np.array([[0, 1, 2, 0, 1], [0, 1, 2, 3, 4]])


def turned(x, position):
    """Rotates one vector (K,) as complex numbers."""
    half = len(x) // 2
    pairs = x[:half] + 1j * x[half:]
    pairs *= np.exp(1j * position * 10_000.0 ** (-np.arange(half) / half))
    return np.concatenate([pairs.real, pairs.imag])


def unit(x):
    return x / np.sqrt(np.mean(x**2) + 1e-6)


def reference(layer, x, visible, positions=None):
    """Attention with a loop over everything: rows, heads, queries, visible keys."""
    weights = [w.numpy().astype("float64") for w in layer.weights]
    if layer.use_bias:
        kernel, bias, output_kernel, output_bias = weights
    else:
        (kernel, output_kernel), bias, output_bias = weights, 0.0, 0.0
    outputs = np.zeros(x.shape)
    for b in range(len(x)):
        heads = []
        for h in range(layer.num_heads):
            # The 3 D columns are all queries, then all keys, then all values, head by head.
            parts = (x[b] @ kernel + bias).reshape(-1, 3, layer.num_heads, K)[:, :, h]
            queries, keys, values = (list(parts[:, i]) for i in range(3))
            if layer.normalize_queries_and_keys:
                queries, keys = [unit(q) for q in queries], [unit(k) for k in keys]
            if positions is not None:
                queries = [turned(q, p) for q, p in zip(queries, positions[b], strict=True)]
                keys = [turned(k, p) for k, p in zip(keys, positions[b], strict=True)]
            mixed = []
            for t, query in enumerate(queries):
                seen = np.flatnonzero(visible[b, t])
                share = np.array([np.exp(query @ keys[s] / K**0.5) for s in seen])
                mixed.append(
                    sum(p * values[s] for p, s in zip(share / share.sum(), seen, strict=True))
                )
            heads.append(np.array(mixed))
        outputs[b] = np.concatenate(heads, axis=1) @ output_kernel + output_bias
    return outputs


@pytest.fixture
def x():
    return np.random.default_rng(13).normal(size=(B, T, D)).astype("float32")


@pytest.fixture
def visible():
    documents = tf.constant([[1, 1, 1, 2, 2], [3, 3, 3, 3, 3]])
    return visible_slots(T, T, document_ids=documents)


def built(**arguments):
    layer = SelfAttention(H, **arguments)
    layer.build((None, None, D))
    rng = np.random.default_rng(17)
    layer.set_weights([rng.normal(size=w.shape) * 0.4 for w in layer.weights])
    return layer


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
def test_equals_loops(x, visible, normalize, rotary, use_bias):
    layer = built(normalize_queries_and_keys=normalize, use_bias=use_bias)
    angles = rotary_angles(tf.constant(POSITIONS), K, "float32") if rotary else None
    outputs, _, _ = layer(x, attention_penalty(visible, "float32"), angles=angles)
    expected = reference(layer, x, visible.numpy(), POSITIONS if rotary else None)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_near(x, visible):
    layer = built(dtype="mixed_bfloat16")
    outputs, keys, values = layer(x, attention_penalty(visible, "bfloat16"))
    assert outputs.dtype == keys.dtype == values.dtype == "bfloat16"
    expected = reference(layer, x, visible.numpy())
    difference = np.abs(tf.cast(outputs, "float32") - expected)
    assert difference.max() < 0.03 * np.abs(expected).max()


def test_normalized_logits_are_bounded(x, visible):
    # Inputs a thousand times as large change nothing: their length is divided out.
    layer = built(normalize_queries_and_keys=True, use_bias=False)
    penalty = attention_penalty(visible, "float32")
    small, _, _ = layer(x, penalty)
    large, _, _ = layer(1000 * x, penalty)
    np.testing.assert_allclose(large, 1000 * small, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("rotary", [False, True])
def test_steps_with_a_cache_equal_one_pass(x, rotary):
    layer = built(normalize_queries_and_keys=True)
    positions = tf.range(T)[None]

    def angles(start, stop):
        return rotary_angles(positions[:, start:stop], K, "float32") if rotary else None

    def penalty(start, stop, num_slots):
        return attention_penalty(visible_slots(stop - start, num_slots, start), "float32")

    whole, _, _ = layer(x, penalty(0, T, T), angles=angles(0, T))
    keys = values = tf.fill([B, H, T + 2, K], 9.0)  # what is not yet written must not matter
    for start, stop in [(0, 2), (2, 3), (3, 5)]:
        piece, keys, values = layer(
            x[:, start:stop],
            penalty(start, stop, T + 2),
            angles=angles(start, stop),
            cache=(keys, values, tf.constant(start)),
        )
        np.testing.assert_allclose(piece, whole[:, start:stop], rtol=1e-4, atol=1e-5)


def test_a_query_that_sees_nothing_averages(x):
    nothing = attention_penalty(tf.zeros([B, T, T], tf.bool), "float32")
    layer = built()
    outputs, _, values = layer(x, nothing)
    mean = np.mean(values, axis=2).reshape(B, D)
    kernel, bias = layer.weights[2].numpy(), layer.weights[3].numpy()
    for t in range(T):
        np.testing.assert_allclose(outputs[:, t], mean @ kernel + bias, rtol=1e-3, atol=1e-4)


def test_dropout_acts_on_probabilities_in_training_only(x, visible):
    penalty = attention_penalty(visible, "float32")
    plain, dropping = built(), built(dropout=0.5)
    expected, _, values = plain(x, penalty)
    np.testing.assert_array_equal(dropping(x, penalty)[0], expected)
    noisy = dropping(x, penalty, training=True)[0]
    # The first token sees itself alone, with probability 1: each head's value is gone or doubled.
    kernel, output_bias = (w.numpy() for w in dropping.weights[2:])
    choices = np.array(np.meshgrid(*[[0, 2]] * H)).reshape(H, -1).T
    for b in range(B):
        options = [(c[:, None] * values[b, :, 0]).numpy().ravel() @ kernel for c in choices]
        distances = np.abs(np.array(options) + output_bias - noisy[b, 0]).max(axis=1)
        assert distances.min() < 1e-4
    assert np.abs(noisy - expected).max() > 0.1


def test_the_kernel_has_its_initializer_and_the_output_its_own():
    layer = SelfAttention(
        H,
        kernel_initializer=keras.initializers.Constant(0.25),
        output_initializer=keras.initializers.Constant(-3.0),
    )
    layer.build((None, None, D))
    expected = [0.25, 0.0, -3.0, 0.0]
    for weight, value in zip(layer.weights, expected, strict=True):
        np.testing.assert_array_equal(weight, np.full(weight.shape, value))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="`num_heads` must divide.*num_heads=3.*width 13"):
        SelfAttention(3).build((None, None, 13))


def test_what_onednn_would_join_and_compute_slowly_stays_apart(x, visible):
    penalty = attention_penalty(visible, "float32")
    graph = tf.function(built()).get_concrete_function(x, penalty).graph
    products = [one for one in graph.get_operations() if one.type == "BatchMatMulV2"]
    assert len(products) == 2
    followers = {after.type for one in products for after in one.outputs[0].consumers()}
    assert "Sub" in followers and "AddV2" not in followers
