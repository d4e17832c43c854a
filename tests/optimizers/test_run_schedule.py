import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.optimizers import WarmupCosine, WarmupStableDecay


def rates(schedule, steps):
    return np.array([float(schedule(step)) for step in steps])


def test_warmup_cosine_by_hand():
    schedule = WarmupCosine(2.0, total_steps=100, warmup_fraction=0.1, final_fraction=0.25)
    # Up by tenths; half of the cosine is cos(pi / 2) = 0, a third of it cos(pi / 3) = 1 / 2.
    expected = {
        0: 0.2,
        4: 1.0,
        9: 2.0,
        10: 2.0,
        40: 2.0 * (0.25 + 0.75 * 0.75),
        55: 2.0 * (0.25 + 0.75 * 0.5),
        100: 0.5,
        733: 0.5,
    }
    np.testing.assert_allclose(rates(schedule, expected), list(expected.values()), rtol=1e-6)


def test_warmup_stable_decay_by_hand():
    schedule = WarmupStableDecay(
        3.0, total_steps=120, warmup_fraction=1 / 6, decay_fraction=0.4, final_fraction=0.1
    )
    # 20 steps up, 60 on the plateau, 40 down from 3.0 to 0.3.
    expected = {0: 0.15, 19: 3.0, 50: 3.0, 80: 3.0, 90: 3 - 2.7 / 4, 100: 1.65, 120: 0.3, 999: 0.3}
    np.testing.assert_allclose(rates(schedule, expected), list(expected.values()), rtol=1e-6)


def test_whole_run_against_numpy():
    total, warmup = 37, 0.19
    schedule = WarmupCosine(0.7, total, warmup, final_fraction=0.0)
    expected = []
    for step in range(total):
        if step < warmup * total:
            expected.append(0.7 * min(1.0, (step + 1) / (warmup * total)))
        else:
            angle = math.pi * (step - warmup * total) / (total - warmup * total)
            expected.append(0.35 * (1 + math.cos(angle)))
    np.testing.assert_allclose(rates(schedule, range(total)), expected, rtol=1e-5, atol=1e-7)


def test_without_warmup_starts_at_peak():
    assert float(WarmupCosine(0.5, 7, warmup_fraction=0.0)(0)) == 0.5


def test_unknown_length_is_peak():
    schedule = WarmupCosine(0.3)
    assert schedule.total_steps is None
    np.testing.assert_allclose(rates(schedule, [0, 1, 10**6]), 0.3, rtol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_length_set_after_tracing(jit_compile):
    schedule = WarmupCosine(1.0, warmup_fraction=0.5)
    optimizer = keras.optimizers.SGD(schedule)
    weight = keras.Variable(np.zeros((), "float32"))
    optimizer.build([weight])

    @tf.function(jit_compile=jit_compile)
    def step():
        optimizer.apply([tf.ones(())])

    step()
    schedule.set_total_steps(10)
    step()
    # First -1 (length unknown), then -2 / 5: the second step of a warm-up of five.
    np.testing.assert_allclose(weight.numpy(), -1.4, rtol=1e-6)
    assert step.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("made_inside", [True, False])
def test_length_reaches_every_replica(two_replicas, made_inside):
    schedule = None if made_inside else WarmupCosine(1.0, warmup_fraction=0.5)
    with two_replicas.scope():
        schedule = schedule or WarmupCosine(1.0, warmup_fraction=0.5)

    @tf.function
    def rate():
        return two_replicas.run(lambda: schedule(tf.constant(1)))

    rate()
    schedule.set_total_steps(10)
    values = two_replicas.experimental_local_results(rate())
    np.testing.assert_allclose([float(value) for value in values], [0.4, 0.4], rtol=1e-6)


@pytest.mark.parametrize(
    "schedule",
    [WarmupCosine(0.2, None, 0.3, 0.4), WarmupStableDecay(0.2, None, 0.3, 0.5, 0.1)],
    ids=lambda schedule: type(schedule).__name__,
)
def test_config_carries_the_current_length(schedule):
    schedule.set_total_steps(53)
    optimizer = keras.optimizers.SGD(schedule)
    twin = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    steps = range(0, 60, 7)
    assert type(twin._learning_rate) is type(schedule)
    assert twin._learning_rate.total_steps == 53
    np.testing.assert_array_equal(rates(twin._learning_rate, steps), rates(schedule, steps))
    assert len(set(rates(schedule, steps))) > 4


def test_saved_with_the_model(tmp_path):
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    schedule = WarmupCosine(0.2)
    model.compile(keras.optimizers.SGD(schedule), "mse")
    schedule.set_total_steps(2)
    model.fit(np.ones((2, 3)), np.ones((2, 2)), epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    # One of two steps is done, so the cosine is near its middle.
    np.testing.assert_allclose(twin.optimizer.learning_rate, schedule(1))
    assert float(twin.optimizer.learning_rate) < 0.12


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"peak": 0.0}, "`peak` must be a learning rate above 0. Received: peak=0.0"),
        ({"peak": 1, "warmup_fraction": 1.0}, r"`warmup_fraction` must be in \[0, 1\)"),
        ({"peak": 1, "final_fraction": 1.1}, r"`final_fraction` must be in \[0, 1\]. .*=1.1"),
        ({"peak": 1, "decay_fraction": 0}, r"`decay_fraction` must be in \(0, 1\]"),
        ({"peak": 1, "total_steps": 0}, "`total_steps` must be .*, 1 or more. .*total_steps=0"),
        ({"peak": 1, "total_steps": 2.5}, "`total_steps` must be a whole number .*=2.5"),
    ],
)
def test_bad_input(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        WarmupStableDecay(**kwargs)
