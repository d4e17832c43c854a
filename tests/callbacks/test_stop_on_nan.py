import warnings

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tfzoo.callbacks import StopOnNaN

X = np.random.default_rng(3).normal(size=(14, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def build():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def poisoned(row):
    y = Y.copy()
    y[row] = np.nan
    return y


def fit(model, callback, y, epochs=1):
    return model.fit(
        X, y, batch_size=2, epochs=epochs, shuffle=False, verbose=0, callbacks=[callback]
    )


def test_a_healthy_run_is_saved_after_every_epoch(tmp_path):
    path = tmp_path / "runs" / "good.keras"
    model = build()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Training stopped")
        history = fit(model, StopOnNaN(path), Y, epochs=2)
    assert len(history.epoch) == 2
    loaded = keras.saving.load_model(path)
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert_array_equal(ours, theirs)
    assert [file.name for file in path.parent.iterdir()] == ["good.keras"]


def test_the_first_nan_stops_the_run_and_the_last_good_model_stays(tmp_path):
    path = tmp_path / "good.keras"
    model, callback = build(), StopOnNaN(path, save_every=2)
    reference = build()
    reference.set_weights(model.get_weights())
    with pytest.warns(UserWarning) as said:
        history = fit(model, callback, poisoned(9), epochs=3)
    (sentence,) = [str(w.message) for w in said if "Training stopped" in str(w.message)]
    # Rows 8 and 9 are the fifth batch; saves were made after the second and the fourth.
    assert "`loss` is nan at step 5 (epoch 1)" in sentence
    assert f"after step 4 is in {path}" in sentence
    assert len(history.epoch) == 1 and not np.isfinite(model.get_weights()[0]).all()
    reference.fit(X[:8], Y[:8], batch_size=2, shuffle=False, verbose=0)
    for ours, theirs in zip(
        keras.saving.load_model(path).get_weights(), reference.get_weights(), strict=True
    ):
        assert_array_equal(ours, theirs)


def test_steps_are_counted_over_epochs(tmp_path):
    model, callback = build(), StopOnNaN(tmp_path / "good.keras")
    with pytest.warns(UserWarning, match=r"at step 14 \(epoch 2\); the model .* after step 7 is"):
        callback.set_model(model)
        callback.on_train_begin()
        for epoch in range(2):
            callback.on_epoch_begin(epoch)
            for batch in range(7):
                last = (epoch, batch) == (1, 6)
                callback.on_train_batch_end(batch, {"loss": np.inf if last else 1.0})
            callback.on_epoch_end(epoch, {"loss": np.inf if epoch else 1.0})
    assert model.stop_training


def test_a_step_with_a_lost_loss_is_not_saved(tmp_path):
    model, callback = build(), StopOnNaN(tmp_path / "good.keras", save_every=1)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(0, {"loss": 1.0})
    older = (tmp_path / "good.keras").read_bytes()
    model.set_weights([np.full((3, 1), 7.0), np.zeros(1)])
    with pytest.warns(UserWarning, match=r"`loss` is inf at step 2 .* after step 1 is in"):
        callback.on_train_batch_end(1, {"loss": np.inf})
    assert (tmp_path / "good.keras").read_bytes() == older


def test_broken_weights_are_not_saved(tmp_path):
    model, callback = build(), StopOnNaN(tmp_path / "good.keras")
    fit(model, callback, Y)
    older = (tmp_path / "good.keras").read_bytes()
    model.set_weights([np.full((3, 1), np.nan), np.zeros(1)])
    with pytest.warns(UserWarning, match="the weight '.*kernel' is not finite at step 7"):
        callback.on_epoch_end(1, {"loss": 1.0})
    assert (tmp_path / "good.keras").read_bytes() == older


def test_without_a_path_it_only_stops():
    with pytest.warns(UserWarning, match=r"nan at step 1 \(epoch 1\); no earlier model was saved"):
        history = fit(build(), StopOnNaN(), poisoned(0), epochs=3)
    assert len(history.epoch) == 1


def test_a_failed_save_keeps_the_older_one(tmp_path, monkeypatch):
    path = tmp_path / "good.keras"
    model = build()
    fit(model, StopOnNaN(path), Y)
    older = path.read_bytes()

    def cut_off(file):
        file.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(model, "save", cut_off)
    with pytest.raises(OSError, match="No space left"):
        fit(model, StopOnNaN(path), Y)
    assert path.read_bytes() == older
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="`path` must end in .keras; received 'good.h5'"):
        StopOnNaN("good.h5")
    with pytest.raises(ValueError, match="`save_every` must be 1 or more, or None; received 0"):
        StopOnNaN(save_every=0)
