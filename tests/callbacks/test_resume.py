import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.callbacks import PREEMPTED_EXIT_CODE, LossCurve, Resume
from tfzoo.data import shuffled_batches
from tfzoo.models import GAN, MLPDiscriminator, MLPGenerator

POINTS = np.random.default_rng(3).normal(size=(23, 2)).astype("float32")


class Crash(Exception):
    pass


class Journal(keras.callbacks.Callback):
    """Remembers what callbacks are told, and calls `at[step]()` after that many steps."""

    def __init__(self, **at):
        super().__init__()
        self.at, self.told, self.num_steps, self.num_validations = at, [], 0, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.told.append(("begin", epoch))

    def on_train_batch_begin(self, batch, logs=None):
        self.first = batch

    def on_train_batch_end(self, batch, logs=None):
        self.told.append((self.first, batch, logs))
        self.num_steps += 1
        self.at.get(f"step{self.num_steps}", int)()

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(("end", epoch, logs))

    def on_test_begin(self, logs=None):
        self.num_validations += 1

    def on_test_batch_end(self, batch, logs=None):
        self.at.get("validation", int)()


def crash():
    raise Crash


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def build(hidden_dim=3, steps_per_execution=1, optimizer="adam"):
    keras.utils.set_random_seed(4)
    model = GAN(
        MLPGenerator((2,), (hidden_dim,), output_activation=None),
        MLPDiscriminator((5,), dropout=0.3),
        latent_dim=2,
        seed=2,
    )
    other = optimizer
    if not isinstance(optimizer, str):
        other = type(optimizer).from_config(optimizer.get_config())
    model.compile(optimizer, other, steps_per_execution=steps_per_execution)
    model.start = values(model)
    return model


@pytest.fixture(scope="module", params=[1, 3])
def model(request):
    """A small GAN, compiled once for all tests of this file; `fit` sets it back."""
    return build(steps_per_execution=request.param)


def everything(model):
    variables = [*model.variables, *model.metrics_variables]
    return variables + [v for optimizer in model.optimizers for v in optimizer.variables]


def values(model):
    return [variable.numpy() for variable in everything(model)]


def fit(model, data, callbacks=(), epochs=3, **options):
    for variable, value in zip(everything(model), model.start, strict=True):
        variable.assign(value)
    options |= dict(epochs=epochs, verbose=0, validation_data=POINTS[:11], batch_size=4)
    return model.fit(data(), callbacks=[*callbacks], **options).history


def endless():
    return shuffled_batches(POINTS, 4, seed=1)


def reshuffled():
    """Six batches, the last one of 3 rows, in another order in each epoch."""
    return tf.data.Dataset.from_tensor_slices(POINTS).shuffle(23, seed=6).batch(4)


def of_unknown_length():
    return reshuffled().filter(lambda batch: True)


def raw():
    return POINTS


KINDS = {
    "endless": (endless, dict(steps_per_epoch=5)),
    "reshuffled": (reshuffled, {}),
    "of_unknown_length": (of_unknown_length, {}),
    "cut": (reshuffled, dict(steps_per_epoch=4)),
    "raw": (raw, {}),
}


@pytest.mark.filterwarnings("ignore:.*ran out of data")
@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_on_anywhere_as_if_nothing_had_happened(model, tmp_path, kind):
    data, options = KINDS[kind]
    whole = Journal()
    history = fit(model, data, [whole], **options)
    expected = values(model)
    for last in range(2, whole.num_steps, 4):
        folder = tmp_path / str(last)
        with pytest.raises(Crash):
            fit(model, data, [Resume(folder, 2), Journal(**{f"step{last}": crash})], **options)
        rest = Journal()
        assert fit(model, data, [Resume(folder, 2), rest], **options) == history
        for found, value in zip(values(model), expected, strict=True):
            np.testing.assert_array_equal(found, value)
        # Other callbacks are told that the epoch begins, and then what comes, as it would have.
        heard = [event for event in rest.told if event[0] != "begin"]
        assert heard == [event for event in whole.told if event[0] != "begin"][-len(heard) :]
        assert rest.told[0][0] == "begin"
        assert sum(event[0] == "begin" for event in rest.told) == sum(
            event[0] == "end" for event in rest.told
        )
        assert rest.num_steps < whole.num_steps or last * model.steps_per_execution <= 2


@pytest.fixture(scope="module")
def single():
    return build()


def test_a_finished_run_does_nothing_and_more_epochs_go_on(single, tmp_path):
    history = fit(single, raw, [Resume(tmp_path)], epochs=2)
    expected, again = values(single), Journal()
    assert fit(single, raw, [Resume(tmp_path), again], epochs=2) == history
    for found, value in zip(values(single), expected, strict=True):
        np.testing.assert_array_equal(found, value)
    # Only the end of the last epoch comes again.
    assert (again.num_steps, again.num_validations) == (0, 1)
    whole = fit(single, raw, epochs=4)
    assert fit(single, raw, [Resume(tmp_path), again], epochs=4) == whole
    assert again.num_steps == 10
    with pytest.raises(ValueError, match="has taken 20 steps already, more than there are"):
        fit(single, raw, [Resume(tmp_path)], epochs=3)


def test_sigterm_saves_and_exits_with_a_code_of_its_own(single, tmp_path, capsys):
    history, before = fit(single, raw), signal.getsignal(signal.SIGTERM)
    for at in ("step1", "step4", "validation"):
        with pytest.raises(SystemExit) as left:
            fit(single, raw, [Resume(tmp_path), Journal(**{at: terminate})])
        assert left.value.code == PREEMPTED_EXIT_CODE == 75
        assert f"the run is saved in {tmp_path}; run it again" in capsys.readouterr().err
        assert signal.getsignal(signal.SIGTERM) is before
    # Nothing was lost, though 100 steps lie between two checkpoints.
    assert sorted(int(path.stem[5:]) for path in tmp_path.iterdir()) == [1, 5]
    assert fit(single, raw, [Resume(tmp_path)]) == history


def test_a_damaged_checkpoint_costs_some_steps_and_nothing_else(single, tmp_path):
    history = fit(single, raw)
    with pytest.raises(Crash):
        fit(single, raw, [Resume(tmp_path, 2), Journal(step9=crash)])
    newest = max(tmp_path.iterdir())
    newest.write_bytes(newest.read_bytes()[:-500])
    rest = Journal()
    with pytest.warns(UserWarning, match="step-000000008.npz cannot be read"):
        assert fit(single, raw, [Resume(tmp_path, 2), rest]) == history
    assert rest.num_steps == 15 - 6


def test_other_callbacks_work_from_the_middle_of_an_epoch(single, tmp_path):
    names = ("generator_loss", "discriminator_loss")
    for at in ({"step7": crash}, {}):
        curve = LossCurve(tmp_path / "loss.png", names)
        callbacks = [Resume(tmp_path / "run", 3), curve, Journal(**at)]
        if at:
            with pytest.raises(Crash):
                fit(single, raw, callbacks)
    fit(single, raw, callbacks)
    assert (tmp_path / "loss.png").exists()


def test_it_says_where_it_goes_on(single, tmp_path, capsys):
    with pytest.raises(Crash):
        fit(single, raw, [Resume(tmp_path, 2), Journal(step7=crash)])
    single.fit(POINTS, batch_size=4, epochs=3, verbose=2, callbacks=[Resume(tmp_path, 2)])
    assert f"Going on after step 6, in epoch 2, from {tmp_path}." in capsys.readouterr().out


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def seeded(seed):
    return lambda: shuffled_batches(POINTS, 4, seed=seed)


def test_another_run_gets_a_sentence_and_overwrites_nothing(single, tmp_path):
    options = dict(steps_per_epoch=5)
    fit(single, endless, [Resume(tmp_path)], **options)
    before = contents(tmp_path)

    def refuses(sentence, model=single, data=endless, **changes):
        with pytest.raises(ValueError, match=sentence) as raised:
            fit(model, data, [Resume(tmp_path, 1)], **{**options, "epochs": 4, **changes})
        assert f"the run in {tmp_path}" in str(raised.value)
        assert "othing was overwritten" in str(raised.value)
        assert contents(tmp_path) == before

    refuses("began with another batch. .* in the same order", data=seeded(2))
    refuses("rows in a batch was 4; received 6", data=lambda: shuffled_batches(POINTS, 6, seed=1))
    refuses(r"model.generator.hidden_dims was \[3\]; received \[7\]", build(hidden_dim=7))
    refuses("steps_per_epoch was 5; received 6", steps_per_epoch=6)
    slower = keras.optimizers.Adam(0.25)
    refuses("learning_rate was 0.001.*; received 0.25", build(optimizer=slower))
    refuses("steps_per_execution was 1; received 3", build(steps_per_execution=3))


def test_raw_data_with_another_seed_or_batch_are_another_run(single, tmp_path):
    fit(single, raw, [Resume(tmp_path)])
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="began with another batch"):
        single.fit(POINTS, batch_size=4, epochs=3, seed=1, callbacks=[Resume(tmp_path)])
    with pytest.raises(ValueError, match="steps_per_epoch was 5; received 3"):
        single.fit(POINTS, batch_size=6, epochs=3, callbacks=[Resume(tmp_path)])
    with pytest.raises(ValueError, match="began with another batch"):
        single.fit(POINTS + 1, batch_size=4, epochs=3, callbacks=[Resume(tmp_path)])
    assert contents(tmp_path) == before


def test_a_full_disk_stops_the_run_and_the_rest_is_as_it_was(single, tmp_path, monkeypatch):
    history, savez = fit(single, raw), np.savez

    def fill_up():
        monkeypatch.setattr(np, "savez", full)

    def full(file, *arrays, **named):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    sentence = r"of step 4 could not be written into .*\(No space left.*that of step 2 is whole"
    with pytest.raises(OSError, match=sentence):
        fit(single, raw, [Resume(tmp_path, 2), Journal(step3=fill_up)])
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000002.npz"]
    monkeypatch.setattr(np, "savez", savez)
    assert fit(single, raw, [Resume(tmp_path, 2)]) == history


def test_replicas_go_on_too(two_replicas, tmp_path):
    with two_replicas.scope():
        model = build()
    history = fit(model, endless, steps_per_epoch=3)
    expected = values(model)
    with pytest.raises(Crash):
        fit(model, endless, [Resume(tmp_path, 1), Journal(step5=crash)], steps_per_epoch=3)
    assert fit(model, endless, [Resume(tmp_path, 1)], steps_per_epoch=3) == history
    for found, value in zip(values(model), expected, strict=True):
        np.testing.assert_array_equal(found, value)


def test_what_cannot_go_on_is_refused(single, tmp_path):
    batches = iter([POINTS[:4]] * 9)
    with pytest.raises(ValueError, match="`Resume` needs data in an order that comes again"):
        single.fit(batches, callbacks=[Resume(tmp_path)])
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="of a `fit` of tfzoo.*Received a Sequential"):
        model.fit(POINTS, POINTS[:, :1], callbacks=[Resume(tmp_path)])
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ValueError, match=r"`folder` must .*notes \(File exists\)"):
        fit(single, raw, [Resume(tmp_path / "notes")])
    with pytest.raises(ValueError, match="`keep` must be 1 or more; received 0"):
        Resume(tmp_path, keep=0)
    with pytest.raises(ValueError, match="`every_n_steps` must be 1 or more; received 0"):
        Resume(tmp_path, every_n_steps=0)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
