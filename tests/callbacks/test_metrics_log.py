import json

import keras
import numpy as np
import pytest

from tfzoo.callbacks import MetricsLog


def fit(path, epochs):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.arange(15.0).reshape(5, 3) / 10, np.ones((5, 1))
    log = MetricsLog(path)
    return model.fit(
        x, y, validation_data=(x, y), epochs=epochs, verbose=0, callbacks=[log]
    ).history


def test_each_epoch_is_a_line(tmp_path):
    path = tmp_path / "new" / "metrics.jsonl"
    fit(path, 2)  # an older file is replaced
    history = fit(path, 3)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.pop("epoch") for line in lines] == [1, 2, 3]
    assert {name: [line[name] for line in lines] for name in lines[0]} == history
    assert lines[0].keys() == {"loss", "val_loss"}
    assert [file.name for file in path.parent.iterdir()] == ["metrics.jsonl"]


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path):
    with pytest.raises(ValueError, match="`path` must be a file"):
        fit(tmp_path, 1)
