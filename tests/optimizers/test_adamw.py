import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.optimizers import AdamW, auto_adamw, fine_tuning_adamw

SHAPES = {"table": (11, 3), "kernel": (3, 5, 2), "bias": (7,)}


def make_variables(seed=0, dtype="float32"):
    rng = np.random.default_rng(seed)
    return [
        keras.Variable(rng.normal(size=shape), name=name, dtype=dtype)
        for name, shape in SHAPES.items()
    ]


def make_gradients(step):
    rng = np.random.default_rng(100 + step)
    return [rng.normal(size=shape).astype("float32") * 3**step for shape in SHAPES.values()]


def numpy_adamw(steps, rate, beta_1, beta_2, epsilon, decay):
    """Algorithm 2 of the paper, with the epsilon of Keras: beside the uncorrected root."""
    weights = [value.astype("float64") for value in values_of(make_variables())]
    means, squares = [[np.zeros_like(w) for w in weights] for _ in range(2)]
    for step in range(steps):
        correction = np.sqrt(1 - beta_2 ** (step + 1)) / (1 - beta_1 ** (step + 1))
        for i, gradient in enumerate(make_gradients(step)):
            means[i] = beta_1 * means[i] + (1 - beta_1) * gradient
            squares[i] = beta_2 * squares[i] + (1 - beta_2) * gradient**2
            decayed = weights[i] * (1 - rate * decay * (weights[i].ndim >= 2))
            weights[i] = decayed - rate * correction * means[i] / (np.sqrt(squares[i]) + epsilon)
    return weights


def values_of(variables):
    return [variable.numpy() for variable in variables]


def run(optimizer, variables, steps=3, jit_compile=False):
    optimizer.build(variables)

    @tf.function(jit_compile=jit_compile)
    def apply(gradients):
        optimizer.apply(gradients, variables)

    for step in range(steps):
        apply([tf.constant(gradient) for gradient in make_gradients(step)])
    return values_of(variables)


def assert_all_close(actual, expected, **tolerance):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, **tolerance)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_three_steps_against_numpy(jit_compile):
    numbers = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-2}
    actual = run(AdamW(0.1, weight_decay=0.7, **numbers), make_variables(), 3, jit_compile)
    assert_all_close(actual, numpy_adamw(3, 0.1, decay=0.7, **numbers), atol=1e-6)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_equals_keras_and_takes_over_its_slots(amsgrad):
    keras_variables, our_variables = make_variables(), make_variables()
    theirs = keras.optimizers.AdamW(0.01, weight_decay=0.3, amsgrad=amsgrad)
    ours = AdamW(0.01, weight_decay=0.3, amsgrad=amsgrad)
    theirs.exclude_from_weight_decay(var_names=["bias"])
    run(theirs, keras_variables)
    ours.build(our_variables)
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        mine.assign(other)
    for mine, other in zip(our_variables, keras_variables, strict=True):
        mine.assign(other)
    assert_all_close(run(ours, our_variables), run(theirs, keras_variables), atol=1e-6)
    # Keras takes 1 - beta_2 from the exact 0.999; the fused operation from its float32, 5e-5 off.
    assert_all_close(values_of(ours.variables), values_of(theirs.variables), rtol=1e-4)


def test_user_excludes_more_than_vectors():
    optimizer = AdamW(0.5, weight_decay=0.5)
    variables = make_variables()
    before = values_of(variables)
    optimizer.exclude_from_weight_decay(var_names=["table"])
    optimizer.build(variables)
    optimizer.apply([tf.zeros(shape) for shape in SHAPES.values()])
    assert_all_close(values_of(variables), [before[0], 0.75 * before[1], before[2]], rtol=1e-6)


def test_repeated_rows_are_added_before_they_are_squared():
    table = keras.Variable(np.zeros((5, 2), "float32"))
    optimizer = AdamW(0.1, weight_decay=0.0)
    optimizer.build([table])
    optimizer.apply([tf.IndexedSlices(tf.ones((2, 2)), tf.constant([3, 3]), tf.constant([5, 2]))])
    # Adam's first step has the length of the learning rate, whatever the gradient.
    expected = np.zeros((5, 2))
    expected[3] = -0.1
    np.testing.assert_allclose(table.numpy(), expected, atol=1e-6)


def test_half_precision_gradients_move_float32_weights():
    weight = keras.Variable(np.zeros((3, 2), "float32"))
    optimizer = AdamW(0.25, weight_decay=0.0)
    optimizer.apply([tf.fill((3, 2), tf.cast(-2.0, "bfloat16"))], [weight])
    np.testing.assert_allclose(weight.numpy(), np.full((3, 2), 0.25), rtol=1e-5)


def test_two_replicas_take_the_step_of_one(two_replicas):
    with two_replicas.scope():
        variables = make_variables()
        optimizer = AdamW(0.1, weight_decay=0.7, epsilon=1e-2)
        optimizer.build(variables)

    @tf.function
    def apply(gradients):
        # A replica contributes a quarter of the sum, the other one three quarters.
        def share():
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            part = 0.25 + 0.5 * tf.cast(number, "float32")
            optimizer.apply([part * gradient for gradient in gradients])

        two_replicas.run(share)

    for step in range(3):
        apply([tf.constant(gradient) for gradient in make_gradients(step)])
    expected = numpy_adamw(3, 0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-2, decay=0.7)
    for variable, value in zip(variables, expected, strict=True):
        for copy in two_replicas.experimental_local_results(variable.value):
            np.testing.assert_allclose(copy, value, atol=1e-6)


def test_saved_and_resumed_with_the_model(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")

    def fit(model, epochs):
        model.fit(x, y, batch_size=3, epochs=epochs, shuffle=False, verbose=0)

    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(5)])
    model.compile(AdamW(0.1, beta_2=0.9, weight_decay=0.5), "mse")
    fit(model, 2)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    assert type(twin.optimizer) is AdamW
    fit(model, 2)
    fit(twin, 2)
    assert_all_close(twin.get_weights(), model.get_weights(), rtol=1e-6)
    slots = [values_of(each.optimizer.variables) for each in (twin, model)]
    assert_all_close(*slots, rtol=1e-6)


def test_auto_is_adamw_over_the_run():
    optimizer = auto_adamw()
    optimizer._learning_rate.set_total_steps(1000)
    numbers = [optimizer.beta_1, optimizer.beta_2, optimizer.epsilon, optimizer.weight_decay]
    assert numbers == [0.9, 0.99, 1e-8, 0.1]
    rates = [float(optimizer._learning_rate(step)) for step in (0, 19, 20, 510, 1000)]
    np.testing.assert_allclose(rates, [5e-5, 1e-3, 1e-3, 5.5e-4, 1e-4], rtol=1e-5)


@pytest.mark.parametrize(
    # 0.003239 - 0.0001395 ln N at e^18, and sizes below and beyond the formula.
    ("num_parameters", "peak"),
    [(22026, 1e-3), (65659969, 0.000728), (10**13, 1e-4)],
)
def test_auto_peak_for_a_size(num_parameters, peak):
    assert auto_adamw(num_parameters)._learning_rate.peak == pytest.approx(peak, rel=1e-5)


def test_auto_bad_size():
    with pytest.raises(ValueError, match="`num_parameters` must be .*num_parameters=0"):
        auto_adamw(0)


def test_a_factor_is_a_learning_rate_of_its_own():
    factors = {"tab": 0.25, "table|kernel": 0.5}
    numbers = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-2}
    optimizer = AdamW(0.1, weight_decay=0.7, learning_rate_factors=factors, **numbers)
    actual = run(AdamW.from_config(optimizer.get_config()), make_variables())
    expected = [
        numpy_adamw(3, 0.1 * factor, decay=0.7, **numbers)[number]
        for number, factor in enumerate([0.25, 0.5, 1.0])
    ]
    assert_all_close(actual, expected, atol=1e-6)


def test_a_factor_of_zero_freezes():
    variables = make_variables()
    before = values_of(variables)
    after = run(AdamW(0.1, weight_decay=0.7, learning_rate_factors={"table": 0}), variables)
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[1] - before[1]).max() > 0.1


def test_a_negative_factor_is_named():
    with pytest.raises(ValueError, match="must be numbers of 0 or more. Received: -1 for 'a'"):
        AdamW(0.1, learning_rate_factors={"a": -1})


def test_fine_tuning_rises_for_a_tenth_and_falls_to_zero():
    optimizer = fine_tuning_adamw(2e-4)
    optimizer._learning_rate.set_total_steps(1000)
    rates = [float(optimizer._learning_rate(step)) for step in (0, 99, 100, 550, 1000)]
    np.testing.assert_allclose(rates, [2e-6, 2e-4, 2e-4, 1e-4, 0], rtol=1e-5)
