import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.callbacks import Profile


def fit(callback, num_rows=10, epochs=1):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((num_rows, 3)), np.ones((num_rows, 1))
    model.fit(x, y, batch_size=2, epochs=epochs, verbose=0, callbacks=[callback])


def test_a_record_is_written(tmp_path):
    fit(Profile(tmp_path, first_step=3, num_steps=2))
    (record,) = tmp_path.glob("plugins/profile/*/*.xplane.pb")
    assert b"MatMul" in record.read_bytes()
    fit(Profile(tmp_path / "again", first_step=1, num_steps=1))
    assert list(tmp_path.glob("again/plugins/profile/*/*.xplane.pb"))


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (2, ["start", 4, 5, 6, "stop"]),  # in the second epoch of five steps too
        (1, ["start", 4, 5, "stop"]),  # what there is of a run that ends before
    ],
)
def test_these_steps_and_no_others_are_recorded(monkeypatch, tmp_path, epochs, expected):
    seen = []

    class Trace:
        def __init__(self, name, step_num, _r):
            self.step = step_num

        def __enter__(self):
            seen.append(self.step)

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(tf.profiler.experimental, "start", lambda folder: seen.append("start"))
    monkeypatch.setattr(tf.profiler.experimental, "stop", lambda: seen.append("stop"))
    monkeypatch.setattr(tf.profiler.experimental, "Trace", Trace)
    fit(Profile(tmp_path, first_step=4, num_steps=3), epochs=epochs)
    assert seen == expected


def test_what_an_interrupted_run_left_on_is_turned_off(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    profile = Profile(tmp_path / "first", first_step=1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((10, 3)), np.ones((10, 1))
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=2, verbose=0, callbacks=[profile, Interrupt()])
    fit(Profile(tmp_path / "second", first_step=1, num_steps=1))
    assert list(tmp_path.glob("second/plugins/profile/*/*.xplane.pb"))
    assert not list(tmp_path.glob("first/plugins"))


def test_a_run_that_is_too_short_says_so(tmp_path):
    with pytest.warns(UserWarning, match="begins at step 11, and this run had 5 steps"):
        fit(Profile(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["first_step", "num_steps"])
def test_numbers_below_one_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=f"`{name}` must be 1 or more; received 0."):
        Profile(tmp_path, **{name: 0})
