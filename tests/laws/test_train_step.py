"""A train step is exactly its formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.laws.zoo import TEXTS
from tfzoo.data import batches

# A family whose step has several objectives proves its formula in a test of its own.
WANTED = dict(mean_loss=True)


def weights_of(model):
    return [variable.numpy() for variable in model.trainable_variables]


def test_one_sgd_step_equals_the_update_computed_outside(entry, rng):
    model, data = entry.build(), entry.batch(rng, rows=3)
    entry.compile(model, lambda: keras.optimizers.SGD(0.5), run_eagerly=True)
    with tf.GradientTape() as tape:
        loss = entry.mean_loss(model, *data)
    gradients = tape.gradient(loss, model.trainable_variables)
    expected = [
        w - 0.5 * tf.convert_to_tensor(g) for w, g in zip(weights_of(model), gradients, strict=True)
    ]
    logs = model.train_step(data)
    np.testing.assert_allclose(logs["loss"], loss, rtol=1e-5)
    for new, wanted, variable in zip(
        weights_of(model), expected, model.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(new, wanted, atol=1e-6, err_msg=variable.path)


def test_clipping_scales_the_whole_step(entry, rng):
    model, data = entry.build(), entry.batch(rng, rows=3)
    entry.compile(
        model, lambda: keras.optimizers.SGD(1.0), max_gradient_norm=0.01, run_eagerly=True
    )
    before = weights_of(model)
    logs = model.train_step(data)
    step = np.sqrt(
        sum(np.sum((a - b) ** 2) for a, b in zip(before, weights_of(model), strict=True))
    )
    assert logs["gradient_norm"] > 0.01
    np.testing.assert_allclose(step, 0.01, rtol=1e-3)


def test_a_batch_without_any_weight_changes_nothing(entry, rng):
    model, (x, targets, weights) = entry.build(), entry.batch(rng, rows=3)
    entry.compile(model, lambda: keras.optimizers.SGD(1.0), run_eagerly=True)
    before = weights_of(model)
    logs = model.train_step((x, targets, tf.nest.map_structure(np.zeros_like, weights)))
    assert logs["loss"] == logs["gradient_norm"] == 0
    for old, new in zip(before, weights_of(model), strict=True):
        np.testing.assert_array_equal(old, new)


def test_every_weight_gets_a_gradient(entry, rng):
    model, data = entry.build(), entry.batch(rng, rows=3)
    with tf.GradientTape() as tape:
        loss = entry.mean_loss(model, *data)
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        gradient = tf.convert_to_tensor(gradient)
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0, variable.path


def test_an_untrained_model_knows_nothing(entry, rng):
    model = entry.build()
    model.compile()
    data = batches(entry.batch(rng, rows=17), 17)
    loss = model.evaluate(data, return_dict=True, verbose=0)["loss"]
    np.testing.assert_allclose(loss, entry.untrained_loss(model), atol=0.1)


def test_evaluate_is_the_weighted_mean_over_uneven_batches(entry, rng):
    model, data = entry.build(), entry.batch(rng, rows=5)
    model.compile()
    logs = model.evaluate(batches(data, 3), return_dict=True, verbose=0)
    np.testing.assert_allclose(logs["loss"], entry.mean_loss(model, *data), rtol=1e-5)


def test_perplexity_and_token_accuracy_are_weighted_means_too(entry, rng):
    model, data = entry.build(), entry.batch(rng, rows=5)
    model.compile()
    logs = model.evaluate(batches(data, 3), return_dict=True, verbose=0)
    x, targets, weights = data
    np.testing.assert_allclose(logs["perplexity"], np.exp(entry.mean_loss(model, *data)), rtol=1e-5)
    right = np.argmax(model(x), -1) == targets
    np.testing.assert_allclose(
        logs["token_accuracy"], np.average(right, weights=weights), rtol=1e-5
    )


def test_bits_per_byte_counts_the_bytes_of_the_texts(entry):
    model = entry.build()
    model.compile()
    logs = model.evaluate(TEXTS, return_dict=True, verbose=0)
    num_bytes = sum(map(len, TEXTS))
    num_tokens = num_bytes + len(TEXTS)  # each text is followed by one end token
    expected = logs["loss"] * num_tokens / num_bytes / np.log(2)
    np.testing.assert_allclose(logs["bits_per_byte"], expected, rtol=1e-5)
    # A byte that the tokenizer does not know is a byte of the text all the same.
    logs = model.evaluate(["zzz", "zz"], return_dict=True, verbose=0)
    expected = logs["loss"] * 7 / 5 / np.log(2)
    np.testing.assert_allclose(logs["bits_per_byte"], expected, rtol=1e-5)


test_perplexity_and_token_accuracy_are_weighted_means_too.wanted = dict(writes=True)
test_bits_per_byte_counts_the_bytes_of_the_texts.wanted = dict(writes=True)


@pytest.mark.parametrize("targets_are_noise", [False, True])
def test_it_learns_four_examples_by_heart_unless_targets_are_noise(entry, rng, targets_are_noise):
    model = entry.build()
    x, targets, weights = entry.batch(rng, rows=4)
    entry.compile(model, lambda: keras.optimizers.Adam(0.01))

    def epoch():
        for _ in range(120):
            yield x, entry.noise(rng, targets) if targets_are_noise else targets, weights

    signature = tf.nest.map_structure(
        lambda a: tf.TensorSpec(a.shape, a.dtype), (x, targets, weights)
    )
    data = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    model.fit(data, verbose=0)
    loss = float(entry.mean_loss(model, x, targets, weights))
    if targets_are_noise:
        assert loss > 0.8 * entry.untrained_loss(model)
    else:
        assert loss < 0.1


def test_no_matrix_gets_a_gradient_for_each_row_before_they_are_summed(entry, rng):
    model, data = entry.build(), entry.batch(rng, rows=3)

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            loss = entry.mean_loss(model, *data)
        return [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)]

    graph = gradients.get_concrete_function().graph
    products = [op for op in graph.get_operations() if op.type.startswith("BatchMatMul")]
    assert products, "attention has some"
    for product in products:
        left, right = (x.shape.rank for x in product.inputs)
        assert left == right, product.name
