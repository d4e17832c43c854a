"""Files of callbacks: whether there can be one is known before training."""

import keras
import numpy as np
import pytest

from tfzoo.callbacks import ImageGrid, LossCurve, StopOnNaN
from tfzoo.callbacks.place import require_place, written_aside


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with written_aside(path) as aside:
        assert aside.suffix == ".txt"
        aside.write_text("whole")
    with pytest.raises(KeyError), written_aside(path) as aside:
        aside.write_text("ha")
        raise KeyError
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]
    assert path.read_text() == "whole"


def test_folders_and_places_in_files_are_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="`path` must be a file; .* is a folder"):
        require_place(tmp_path)
    with pytest.raises(ValueError, match="`path` must be in a folder that can be made; received"):
        require_place(tmp_path / "file" / "a.png")
    require_place(None)


@pytest.mark.parametrize(
    ("callback", "name"), [(LossCurve, "loss.png"), (StopOnNaN, "model.keras")]
)
def test_it_is_known_before_training(tmp_path, callback, name):
    (tmp_path / "file").touch()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="`path` must be in a folder that can be made"):
        model.fit(np.ones([2, 3]), np.ones([2, 1]), callbacks=[callback(tmp_path / "file" / name)])
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("path", ["{epoch}{}.png", "{epoch:q}.png", "{epoch}{other}.png"])
def test_a_grid_refuses_other_braces(path):
    with pytest.raises(ValueError, match="`path` may hold `{epoch}`.* and no other braces"):
        ImageGrid(path)
