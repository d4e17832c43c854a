import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import Dropout

X = np.arange(1, 3 * 11 * 239 + 1, dtype="float32").reshape(3, 11, 239)


def test_silent_at_inference_and_at_rate_zero():
    np.testing.assert_array_equal(Dropout(0.3)(X), X)
    np.testing.assert_array_equal(Dropout(0.0)(X, training=True), X)


@pytest.mark.parametrize("rate", [0.13, 0.8])
def test_zeroes_its_share_and_scales_up_the_rest(rate):
    output = Dropout(rate, seed=5)(X, training=True).numpy()
    kept = output != 0
    np.testing.assert_allclose(output[kept], X[kept] / (1 - rate), rtol=1e-6)
    # Five standard deviations of the binomial.
    assert abs(kept.sum() - (1 - rate) * X.size) < 5 * (X.size * rate * (1 - rate)) ** 0.5


def test_the_seed_decides_and_every_call_draws_anew():
    first, same, other = Dropout(0.5, seed=5), Dropout(0.5, seed=5), Dropout(0.5, seed=6)
    one = first(X, training=True)
    np.testing.assert_array_equal(one, same(X, training=True))
    assert 0.4 < np.mean((one == 0) == (other(X, training=True) == 0)) < 0.6
    assert 0.4 < np.mean((one == 0) == (first(X, training=True) == 0)) < 0.6


def test_xla_draws_the_same_mask():
    layers = Dropout(0.4, seed=5), Dropout(0.4, seed=5)
    x = X[:, :, :7]  # an odd number of elements
    plain = tf.function(lambda: layers[0](x, training=True))()
    compiled = tf.function(lambda: layers[1](x, training=True), jit_compile=True)()
    np.testing.assert_array_equal(compiled == 0, plain == 0)
    np.testing.assert_allclose(compiled, plain, rtol=1e-6)


def test_gradient_passes_where_the_input_did():
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = Dropout(0.75, seed=3)(x, training=True)
    expected = np.where(output == 0, 0, 4)
    np.testing.assert_allclose(tape.gradient(output, x), expected, rtol=1e-6)


def test_noise_differs_between_replicas_and_steps(two_replicas):
    with two_replicas.scope():
        layer = Dropout(0.5, seed=5)

    @tf.function
    def step():
        def replica():
            return layer(X, training=True)

        return two_replicas.run(replica)

    kept = [
        output.numpy() != 0
        for _ in range(2)
        for output in two_replicas.experimental_local_results(step())
    ]
    for number, one in enumerate(kept):
        for other in kept[:number]:
            assert 0.4 < np.mean(one == other) < 0.6
    states = two_replicas.experimental_local_results(layer.seed_generator.state.value)
    np.testing.assert_array_equal(states[0], states[1])


def test_works_where_a_scope_is_open_but_no_replica_runs(two_replicas):
    with two_replicas.scope():
        output = Dropout(0.5, seed=5)(X, training=True)
    np.testing.assert_array_equal(output, Dropout(0.5, seed=5)(X, training=True))


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_a_saved_model_goes_on_with_the_same_stream(tmp_path, suffix):
    def model():
        return keras.Sequential([keras.Input((5,)), keras.layers.Dense(7), Dropout(0.5)])

    x = X.reshape(-1, 1)[:5].T / 7
    saved = model()
    saved(x, training=True)
    path = tmp_path / f"model{suffix}"
    if suffix == ".keras":
        saved.save(path)
        loaded = keras.saving.load_model(path)
    else:
        saved.save_weights(path)
        loaded = model()
        loaded.load_weights(path)
    for _ in range(2):
        np.testing.assert_array_equal(loaded(x, training=True), saved(x, training=True))


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_bad_rate(rate):
    with pytest.raises(ValueError, match=rf"`rate` must be in \[0, 1\); received {rate}"):
        Dropout(rate)
