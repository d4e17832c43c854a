import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from tfzoo.callbacks import Resume, Throughput, throughput
from tfzoo.models import GAN, GPTBackbone, GPTCausalLM, MLPDiscriminator, MLPGenerator
from tfzoo.optimizers import WarmupCosine

# V 11, L 2, D 6, F 13, T 7; two rows in a batch, five batches in an epoch.
LENGTHS = np.array([7, 3, 1, 2, 5, 7, 4, 4, 6, 1])
TOKENS = LENGTHS.reshape(5, 2).sum(1)
# A block holds query, key, value and output, and two matrices of the feed-forward network.
OPERATIONS = 6 * (2 * (4 * 6 * 6 + 2 * 6 * 13) + 11 * 6) + 12 * 2 * 6 * 7
TIMES = [0, 50, 51, 53, 58, 60, 100, 101, 103, 104, 110, 120]


class Recorder(keras.callbacks.Callback):
    """What a later callback is shown, and a crash after some steps."""

    def __init__(self, crash_after=None):
        super().__init__()
        self.steps, self.crash_after = [], crash_after

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(dict(logs))
        if len(self.steps) == self.crash_after:
            raise RuntimeError("killed")


@pytest.fixture
def times(monkeypatch):
    def use(times):
        times = iter(times)
        monkeypatch.setattr(throughput, "clock", lambda: next(times))

    return use


def language_model(optimizer="sgd", **switches):
    backbone = GPTBackbone(11, 2, 2, 6, 13, max_sequence_length=7)
    model = GPTCausalLM(backbone)
    model.compile(keras.optimizers.get(optimizer), **switches)
    return model


def rows(lengths=LENGTHS):
    real = np.arange(7) < lengths[:, None]
    tokens = np.random.default_rng(2).integers(1, 11, (len(lengths), 8)).astype("int32")
    x = {"token_ids": tokens[:, :-1] * real, "padding_mask": real}
    data = (x, tokens[:, 1:] * real, real.astype("float32"))
    return tf.data.Dataset.from_tensor_slices(data).batch(2)


def fit(model, *callbacks, data=None, epochs=2, **arguments):
    data = rows() if data is None else data
    return model.fit(data, epochs=epochs, verbose=0, callbacks=[*callbacks], **arguments).history


def test_real_tokens_are_counted_from_the_end_of_the_first_step_without_validation(times):
    times(TIMES)
    history = fit(language_model(), Throughput(peak=1e4), validation_data=rows())
    rates = [TOKENS[1:].sum() / (60 - 50), TOKENS.sum() / (120 - 100)]
    assert_allclose(history["tokens_per_second"], rates, rtol=1e-12)
    shares = [rate * OPERATIONS / 1e4 for rate in rates]
    assert_allclose(history["model_flops_utilization"], shares, rtol=1e-12)
    assert "gradient_norm" in history


def test_steps_have_the_rates_since_the_last_ones(times):
    times(TIMES)
    recorder = Recorder()
    fit(language_model(), Throughput(peak=None, every_n_steps=2), recorder)
    found = [logs.get("tokens_per_second") for logs in recorder.steps]
    # Steps 2, 4, 6, 8 and 10 of the run; the epoch begins anew.
    one, two, three, four, five = TOKENS
    expected = {1: two / 1, 3: (three + four) / 7, 5: one / 1, 7: (two + three) / 3}
    expected[9] = (four + five) / 16
    assert {n: rate for n, rate in enumerate(found) if rate} == pytest.approx(expected)
    assert "model_flops_utilization" not in recorder.steps[1]


def test_the_step_is_made_as_often_as_without():
    def count(*callbacks):
        model, calls = language_model(), []
        step = model.train_step
        model.train_step = lambda data: calls.append(data) or step(data)
        fit(model, *callbacks)
        return len(calls)

    assert count(Throughput(None, every_n_steps=2)) == count() < 10


def test_several_steps_in_one_execution(times):
    times([0, 50, 51, 53, 60, 100, 101, 103])
    model = language_model(steps_per_execution=2)
    history = fit(model, Throughput(peak=None))
    rates = [TOKENS[2:].sum() / (53 - 50), TOKENS.sum() / (103 - 60)]
    assert_allclose(history["tokens_per_second"], rates)


def test_an_epoch_of_one_step_counts_it(times):
    times([0, 4])
    history = fit(language_model(), Throughput(None), data=rows(LENGTHS[:2]), epochs=1)
    assert history["tokens_per_second"] == [10 / 4]


def test_epochs_of_endless_data_share_one_order(times):
    times(itertools.count())
    history = fit(
        language_model(), Throughput(None), data=rows().repeat(), steps_per_epoch=3, epochs=4
    )
    endless = np.tile(TOKENS, 4)[:12].reshape(4, 3)
    expected = [endless[0, 1:].sum() / 2, *(endless[1:].sum(1) / 3)]
    assert_allclose(history["tokens_per_second"], expected)


def test_replicas_count_the_whole_batch(times, two_replicas):
    times(TIMES)
    with two_replicas.scope():
        model = language_model()
    history = fit(model, Throughput(peak=None))
    expected = [TOKENS[1:].sum() / 10, TOKENS.sum() / 20]
    assert_allclose(history["tokens_per_second"], expected)


def test_a_run_that_goes_on_counts_what_it_trains_on(times, tmp_path):
    times(itertools.count())
    resume = Resume(tmp_path, every_n_steps=1)
    with pytest.raises(RuntimeError, match="killed"):
        fit(language_model(), resume, Throughput(None), Recorder(crash_after=7))
    times(itertools.count())
    history = fit(language_model(), resume, Throughput(None))
    # The last checkpoint is that of step 6, the first of its epoch; the next one compiles.
    expected = [TOKENS[1:].sum() / 4, (TOKENS[0] + TOKENS[2:].sum()) / (1 + 3)]
    assert_allclose(history["tokens_per_second"], expected)


def test_an_epoch_found_at_its_end_was_as_fast_as_it_was(times, tmp_path):
    times(itertools.count())
    resume = Resume(tmp_path, every_n_steps=5)
    with pytest.raises(RuntimeError, match="killed"):
        fit(language_model(), resume, Throughput(None), Recorder(crash_after=6))
    times(itertools.count())
    history = fit(language_model(), resume, Throughput(None))
    assert_allclose(history["tokens_per_second"], [TOKENS[1:].sum() / 4, TOKENS[1:].sum() / 4])


def test_the_learning_rate_is_the_schedule_s():
    history = fit(language_model(keras.optimizers.SGD(WarmupCosine(0.3))), Throughput(None))
    # 10 steps, 0.2 of them warm up; after 5 and after 10 steps.
    cosine = (1 + math.cos(math.pi * (5 - 0.2) / (10 - 0.2))) / 2
    assert_allclose(history["learning_rate"], [0.3 * (0.1 + 0.9 * cosine), 0.03], rtol=1e-5)


def test_the_gradient_norm_is_the_length_of_a_step():
    model = language_model(keras.optimizers.SGD(0.5), max_gradient_norm=None)
    before = [weight.numpy() for weight in model.trainable_variables]
    history = fit(model, Throughput(None), data=rows(LENGTHS[:2]), epochs=1)
    moves = [
        (old - new.numpy()) / 0.5
        for old, new in zip(before, model.trainable_variables, strict=True)
    ]
    expected = np.linalg.norm(np.concatenate([move.ravel() for move in moves]))
    assert_allclose(history["gradient_norm"], [expected], rtol=1e-4)


def test_both_players_of_a_gan(times):
    times([0, 4, 5, 7])
    model = GAN(
        MLPGenerator((2,), (3,), output_activation=None), MLPDiscriminator((5,)), latent_dim=7
    )
    model.compile(keras.optimizers.Adam(0.25), keras.optimizers.Adam(0.125))
    points = np.random.default_rng(3).normal(size=(33, 2)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices(points).batch(11)
    history = fit(model, Throughput(peak=1e3), data=data, epochs=1)
    assert history["samples_per_second"] == [22 / 3]
    g, d = 2 * (7 * 3 + 3 * 2), 2 * (2 * 5 + 5)
    assert history["model_flops_utilization"] == pytest.approx([(4 * g + 8 * d) * 22 / 3 / 1e3])
    assert history["generator_learning_rate"] == [0.25]
    assert history["discriminator_learning_rate"] == [0.125]


def test_the_peak_is_measured_if_nobody_says_it(monkeypatch, times):
    asked = []
    monkeypatch.setattr(throughput, "measure_peak", lambda dtype: asked.append(dtype) or 1e4)
    times(TIMES)
    history = fit(language_model(), Throughput())
    assert asked == ["float32"]
    expected = TOKENS.sum() / 20 * OPERATIONS / 1e4
    assert_allclose(history["model_flops_utilization"][1], expected)


def test_refusals():
    for peak in (0, -1.0, "fast"):
        with pytest.raises(ValueError, match="`peak` must be operations per second, above 0"):
            Throughput(peak)
    with pytest.raises(ValueError, match="`every_n_steps` must be 1 or more"):
        Throughput(every_n_steps=0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="in the list of `callbacks` of a `fit` of tfzoo"):
        model.fit(np.ones((5, 3)), np.ones((5, 1)), verbose=0, callbacks=[Throughput(None)])
    x, y, _ = next(iter(rows().unbatch().batch(10)))
    with pytest.raises(ValueError, match="needs raw data, or a `tf.data.Dataset`"):
        language_model().fit(x, y, verbose=0, callbacks=[Throughput(None)])
