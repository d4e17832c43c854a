import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.callbacks import TensorBoardLog


def fit(log, epochs=3, **arguments):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", **arguments)
    x, y = np.arange(15.0).reshape(5, 3) / 10, np.ones((5, 1))
    data = dict(validation_data=(x, y), batch_size=2, epochs=epochs, verbose=0)
    return model.fit(x, y, callbacks=[log], **data).history


def written(folder):
    """{tag: {step: number}} of all files."""
    numbers = {}
    for file in sorted(folder.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                numbers.setdefault(value.tag, {})[event.step] = value.simple_value
    return numbers


def test_epochs_are_written_where_tensorboard_looks_for_them(tmp_path):
    history = fit(TensorBoardLog(tmp_path / "new"))
    for folder, name in (("train", "loss"), ("validation", "val_loss")):
        expected = dict(enumerate(history[name]))
        assert written(tmp_path / "new" / folder) == {"epoch_loss": pytest.approx(expected)}


def test_steps_are_those_of_the_optimizer(tmp_path):
    fit(TensorBoardLog(tmp_path, every_n_steps=2))
    found = written(tmp_path / "train")
    assert found["batch_loss"].keys() == {2, 4, 6, 8}  # of three steps in each of three epochs
    assert found["epoch_loss"].keys() == {0, 1, 2}


def test_several_steps_in_one_execution(tmp_path):
    fit(TensorBoardLog(tmp_path, every_n_steps=3), steps_per_execution=3)
    assert written(tmp_path / "train")["batch_loss"].keys() == {3, 6, 9}


def test_every_n_steps_is_a_number_of_steps(tmp_path):
    with pytest.raises(ValueError, match="`every_n_steps` must be 1 or more"):
        TensorBoardLog(tmp_path, every_n_steps=0)
