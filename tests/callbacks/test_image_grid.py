import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from tfzoo.callbacks import ImageGrid, TrainingGif, tile_images


class Painter(keras.Model):
    """Draws grey images that are brighter after every epoch."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.requests = []

    def call(self, x):
        return self.dense(x)

    def generate(self, **request):
        self.requests.append(request)
        return np.full([request["n"], 3, 2, 1], -1 + (len(self.requests) - 1) / 4, np.float32)


def fit(callback, epochs):
    model = Painter()
    model.compile("sgd", "mse")
    model.fit(np.ones((6, 3)), np.ones((6, 1)), epochs=epochs, verbose=0, callbacks=[callback])
    return model


def test_tiles_lie_in_rows():
    images = np.arange(5 * 3 * 2).reshape(5, 3, 2, 1).astype(np.uint8)
    picture = tile_images(images, columns=3, gap=2)
    assert picture.shape == (3 + 2 + 3, 2 + 2 + 2 + 2 + 2, 1)
    for number, image in enumerate(images):
        row, column = divmod(number, 3)
        assert_array_equal(picture[5 * row : 5 * row + 3, 4 * column : 4 * column + 2], image)
    assert (picture[3:5] == 255).all() and (picture[:, 2:4] == 255).all()
    assert (picture[5:, 8:] == 255).all()


def test_floats_are_scaled_and_cut_off():
    values = np.array([-3, -1, 0, 1, 3.0]).reshape(5, 1, 1, 1)
    assert tile_images(values, columns=5, gap=0).ravel().tolist() == [0, 0, 128, 255, 255]
    large = tile_images(values[:1], scale=3)
    assert large.shape == (3, 3, 1)
    assert tile_images(np.zeros([7, 2, 2, 3])).shape == (3 * 3 - 1, 3 * 3 - 1, 3)


@pytest.mark.parametrize("shape", [(0, 3, 2, 1), (5, 3, 2), (5, 3, 2, 2)])
def test_what_is_no_image(shape):
    with pytest.raises(ValueError, match="`images` must have the shape .* received"):
        tile_images(np.zeros(shape))


def test_the_newest_picture_replaces_the_one_before(tmp_path):
    path = tmp_path / "runs" / "grid.png"
    fit(ImageGrid(path, n=4, scale=1), epochs=1)
    first = np.array(Image.open(path))
    model = fit(ImageGrid(path, n=4, scale=1, seed=5), epochs=2)
    second = np.array(Image.open(path))
    assert [file.name for file in path.parent.iterdir()] == ["grid.png"]
    assert first.shape == second.shape == (3 + 1 + 3, 2 + 1 + 2)
    assert_allclose([first[0, 0], second[0, 0]], [0.25 * 127.5, 0.5 * 127.5], atol=1)
    assert model.requests == [{"n": 4, "seed": 5}] * 3  # once before the first epoch


def test_a_picture_for_each_epoch_and_labels(tmp_path):
    model = fit(ImageGrid(f"{tmp_path}/{{epoch:03d}}.png", n=2, labels=[7, 3]), epochs=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["001.png", "002.png"]
    assert model.requests[0] == {"n": 2, "labels": [7, 3], "seed": 0}


def test_tensorboard_gets_the_same_picture(tmp_path):
    fit(ImageGrid(tmp_path / "grid.png", n=4, log_dir=tmp_path / "log"), epochs=2)
    (log,) = (tmp_path / "log").iterdir()
    pictures = {
        event.step: tf.image.decode_png(value.image.encoded_image_string).numpy()
        for event in tf.compat.v1.train.summary_iterator(str(log))
        for value in event.summary.value
        if value.tag == "samples"
    }
    assert sorted(pictures) == [1, 2]
    assert_array_equal(pictures[2][..., 0], np.array(Image.open(tmp_path / "grid.png")))


def test_tensorboard_alone(tmp_path):
    fit(ImageGrid(n=4, log_dir=tmp_path / "log"), epochs=1)
    assert [file.name for file in tmp_path.iterdir()] == ["log"]


def test_film_has_a_frame_for_each_epoch(tmp_path):
    film = TrainingGif(tmp_path / "film.gif", n=4, scale=1, frame_duration=100)
    model = fit(film, epochs=3)
    with Image.open(tmp_path / "film.gif") as image:
        assert image.n_frames == 3 and image.info["loop"] == 0
        greys, durations = [], []
        for frame in range(3):
            image.seek(frame)
            greys.append(np.array(image.convert("L"))[0, 0])
            durations.append(image.info["duration"])
    assert_allclose(greys, [32, 64, 96], atol=1)
    assert durations == [100, 100, 1000]
    assert model.requests == [{"n": 4, "seed": 0}] * 4  # once before the first epoch
    assert [file.name for file in tmp_path.iterdir()] == ["film.gif"]


def test_a_new_run_is_a_new_film(tmp_path):
    film = TrainingGif(tmp_path / "film.gif", n=4)
    fit(film, epochs=2)
    fit(film, epochs=1)
    with Image.open(tmp_path / "film.gif") as image:
        assert getattr(image, "n_frames", 1) == 1


def test_failed_writing_keeps_the_older_picture_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "grid.png"
    fit(ImageGrid(path, n=4), epochs=1)
    older = path.read_bytes()

    def cut_off(image, file, **options):
        file.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", cut_off)
    with pytest.raises(OSError, match="No space left"):
        fit(ImageGrid(path, n=9), epochs=1)
    assert path.read_bytes() == older
    assert list(tmp_path.iterdir()) == [path]


def test_endings():
    with pytest.raises(ValueError, match=r"`path` must end in .png; received 'grid.jpg'"):
        ImageGrid("grid.jpg")
    with pytest.raises(ValueError, match=r"`path` must end in .gif; received 'film.mp4'"):
        TrainingGif("film.mp4")
