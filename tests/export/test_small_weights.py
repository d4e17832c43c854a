"""Weights stored in less room: how near they are, how small, and when they are refused."""

import numpy as np
import pytest
import tensorflow as tf

import tfzoo
from tests.laws.zoo import ZOO
from tfzoo.export.small_weights import large, require_near, small


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_float16_rounds_to_eleven_binary_digits(rng):
    array = rng.normal(0, 1, (7, 5)).astype("float32")
    (stored,) = small(array, "float16")
    assert stored.dtype == np.float16
    np.testing.assert_allclose(large((stored,), "float32"), array, rtol=2**-11)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_int8_has_a_scale_for_each_place_along_the_best_axis(rng, axis):
    shape = [1, 1, 1]
    shape[axis] = -1
    sizes = 10.0 ** np.arange(5).reshape(shape)
    array = (rng.uniform(-1, 1, [5 if n == axis else 11 for n in range(3)]) * sizes).astype(
        "float32"
    )
    levels, scales = small(array, "int8")
    assert levels.dtype == np.int8 and scales.shape == sizes.shape
    largest = np.abs(array).max(axis=tuple(n for n in range(3) if n != axis), keepdims=True)
    # Half a level at most, and the largest number of each place is the last level.
    assert (np.abs(large((levels, scales), "float32") - array) <= 0.501 * largest / 127).all()
    assert np.abs(levels).max() == 127


def test_int8_keeps_vectors_and_zeros():
    vector = np.array([1e-9, 3.0], "float32")
    np.testing.assert_array_equal(small(vector, "int8")[0], vector)
    assert not large(small(np.zeros([2, 3], "float32"), "int8"), "float32").numpy().any()


@pytest.mark.parametrize(
    ("name", "kind", "signature", "inputs"),
    [
        ("modern_gpt", "int8", "score", {"text": ["bad cab", "a"]}),
        ("bert_text_embedder", "float16", "embed", {"text": ["bad cab", "a"]}),
        ("conditional_gan", "int8", "generate", {"n": 2, "seed": 3, "labels": [5, 0]}),
    ],
)
def test_a_bundle_computes_with_rounded_weights(name, kind, signature, inputs, tmp_path, rng):
    model = next(entry for entry in ZOO if entry.name == name).build()
    floats = [variable for variable in model.variables if "float" in variable.dtype]
    for variable in floats:
        variable.assign(variable + rng.uniform(0, 0.05, variable.shape))
    version = tfzoo.export_bundle(model, tmp_path, weights=kind)
    served = tf.saved_model.load(str(version)).signatures[signature]
    inputs = {key: tf.constant(value) for key, value in inputs.items()}
    function, _ = model.serving_functions()[signature]
    exact = function(*inputs.values())
    for variable in floats:
        variable.assign(large(small(variable.numpy(), kind), variable.dtype))
    rounded, found = function(*inputs.values()), served(**inputs)
    for key in rounded:
        np.testing.assert_allclose(found[key], rounded[key], rtol=1e-4, atol=1e-5)
    assert any(np.abs(found[key] - exact[key]).max() > 1e-5 for key in exact)
    size = sum(file.stat().st_size for file in version.glob("variables/*.data*"))
    assert size < 0.7 * sum(4 * variable.numpy().size for variable in floats)


def test_an_error_beyond_the_tolerance_is_refused():
    live = {"x": tf.constant([-2.0, 1.0]), "names": tf.constant(["a"])}
    require_near({"x": tf.constant([-2.0, 1.019])}, live, "score", "float16")
    for numbers in ([-2.0, 1.021], [float("nan"), 1.0], [-2.0, 1.0, 0.0]):
        with pytest.raises(ValueError, match="with 'float16' the error of score's x is"):
            require_near({"x": tf.constant(numbers)}, live, "score", "float16")


def test_weights_that_float16_cannot_hold_are_refused(tmp_path):
    networks = tfzoo.models.MLPGenerator((3,), (5,)), tfzoo.models.MLPDiscriminator((5,))
    model = tfzoo.models.GAN(*networks, latent_dim=2)
    for weight in model.discriminator.weights:
        weight.assign(tf.fill(weight.shape, 1e5))
    with pytest.raises(ValueError, match="`weights` must leave what the model says within 1%"):
        tfzoo.export_bundle(model, tmp_path / "bundle", weights="float16")
    assert list((tmp_path / "bundle").iterdir()) == []
    with pytest.raises(ValueError, match="`weights` must be None, 'float16' or 'int8'; received 4"):
        tfzoo.export_bundle(model, tmp_path / "bundle", weights=4)
