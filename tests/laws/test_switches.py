"""Precision, XLA, accumulation and steps per execution change speed and rounding only."""

import keras
import numpy as np
import pytest

from tfzoo.data import batches

SWITCHES = {
    "xla": ({}, dict(jit_compile=True), 1e-5),
    "steps_per_execution": ({}, dict(steps_per_execution=2), 1e-7),
    "bfloat16": (dict(dtype="mixed_bfloat16"), {}, 3e-3),
    "float16": (dict(dtype="mixed_float16"), {}, 1e-3),
}


def trained(entry, data, arguments, switches):
    keras.utils.set_random_seed(3)
    model = entry.build(**arguments)
    entry.compile(model, lambda: keras.optimizers.SGD(0.5), **switches)
    logs = model.fit(batches(data, 6), verbose=0).history
    return model, logs


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_changes_rounding_only(entry, rng, name):
    assert_rounding_only(entry, rng, *SWITCHES[name])


def test_gradient_accumulation_changes_rounding_only(entry, rng):
    assert_rounding_only(entry, rng, {}, dict(gradient_accumulation=3), 1e-6)


test_gradient_accumulation_changes_rounding_only.wanted = dict(mean_loss=True)


def assert_rounding_only(entry, rng, arguments, switches, tolerance):
    tolerance *= entry.steepness
    data = entry.batch(rng, rows=12)
    plain, plain_logs = trained(entry, data, {}, {})
    other, other_logs = trained(entry, data, arguments, switches)
    keras.utils.set_random_seed(3)
    start = entry.build().trainable_variables
    moved = max(
        np.abs(a.numpy() - b.numpy()).max()
        for a, b in zip(start, plain.trainable_variables, strict=True)
    )
    assert moved > 10 * tolerance  # or the comparison would prove nothing
    for a, b, variable in zip(plain.get_weights(), other.get_weights(), plain.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance, err_msg=variable.path)
    for log, value in plain_logs.items():
        np.testing.assert_allclose(
            value, other_logs[log], rtol=100 * tolerance, atol=10 * tolerance, err_msg=log
        )


def test_float16_scales_the_loss_of_every_optimizer(entry):
    model = entry.build(dtype="mixed_float16")
    entry.compile(model, lambda: keras.optimizers.SGD(0.1))
    scalers = [isinstance(o, keras.optimizers.LossScaleOptimizer) for o in model.optimizers]
    assert scalers and all(scalers)
