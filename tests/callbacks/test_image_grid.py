import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageSequence

from tfzoo.callbacks import ImageGrid, Resume, TrainingGif, tile_images
from tfzoo.models import GAN, MLPDiscriminator, MLPGenerator


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


def fit(callback, epochs, **options):
    model = Painter()
    model.compile("sgd", "mse")
    options |= dict(epochs=epochs, verbose=0, callbacks=[callback])
    model.fit(np.ones((6, 3)), np.ones((6, 1)), **options)
    return model


def greys_of(film):
    """The grey of each frame."""
    with Image.open(film) as image:
        return [np.array(frame.convert("L"))[0, 0] for frame in ImageSequence.Iterator(image)]


def test_tiles_lie_in_rows():
    images = np.arange(5 * 3 * 2).reshape(5, 3, 2, 1).astype(np.uint8)
    picture = tile_images(images, columns=3, scale=1, gap=2)
    assert picture.shape == (3 + 2 + 3, 2 + 2 + 2 + 2 + 2, 1)
    for number, image in enumerate(images):
        row, column = divmod(number, 3)
        assert_array_equal(picture[5 * row : 5 * row + 3, 4 * column : 4 * column + 2], image)
    assert (picture[3:5] == 255).all() and (picture[:, 2:4] == 255).all()
    assert (picture[5:, 8:] == 255).all()


def test_floats_are_scaled_and_cut_off():
    values = np.array([-3, -1, 0, 1, 3.0]).reshape(5, 1, 1, 1)
    assert tile_images(values, columns=5, scale=1, gap=0).ravel().tolist() == [0, 0, 128, 255, 255]
    large = tile_images(values[:1], scale=3)
    assert large.shape == (3, 3, 1)
    assert tile_images(np.zeros([7, 2, 2, 3]), scale=1).shape == (3 * 3 - 1, 3 * 3 - 1, 3)


@pytest.mark.parametrize(("width", "scale"), [(1, 56), (8, 7), (11, 6), (28, 2), (56, 1), (64, 1)])
def test_small_images_are_drawn_larger_than_stamps(width, scale):
    assert tile_images(np.zeros([1, 3, width, 1])).shape == (3 * scale, width * scale, 1)


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


@pytest.mark.parametrize(
    ("first_epoch", "epochs", "greys"),
    [(2, 4, [32, 64, 32, 64]), (2, 3, [32, 64, 32]), (5, 6, [32, 64, 96, 32])],
)
def test_a_run_that_goes_on_keeps_its_film(tmp_path, first_epoch, epochs, greys):
    path = tmp_path / "film.gif"
    fit(TrainingGif(path, n=4, scale=1), epochs=3)
    fit(TrainingGif(path, n=4, scale=1), epochs, initial_epoch=first_epoch)
    assert_allclose(greys_of(path), greys, atol=1)


def test_a_film_of_another_size_or_none_is_not_gone_on_with(tmp_path):
    path = tmp_path / "film.gif"
    for n, scale in [(4, 1), (9, 1), (4, 2)]:
        fit(TrainingGif(path, n=n, scale=scale), 4, initial_epoch=2)
        assert_allclose(greys_of(path), [32, 64], atol=1)


def test_a_resumed_run_has_the_film_of_a_whole_one(tmp_path):
    images = np.random.default_rng(3).integers(256, size=(8, 3, 2, 3), dtype=np.uint8)

    def film(name, *all_epochs):
        for epochs in all_epochs:
            keras.utils.set_random_seed(5)
            model = GAN(MLPGenerator((3, 2, 3), (5,)), MLPDiscriminator((5,)), 7, seed=2)
            model.compile()
            gif = TrainingGif(tmp_path / f"{name}.gif", n=4, scale=1)
            watchers = [gif, Resume(tmp_path / name, every_n_steps=1)]
            model.fit(images, batch_size=4, epochs=epochs, verbose=0, callbacks=watchers)
        return greys_of(tmp_path / f"{name}.gif")

    whole, resumed = film("whole", 3), film("resumed", 2, 3, 3)
    assert len(whole) == 3
    assert_allclose(resumed, whole, atol=2)


@pytest.mark.parametrize(
    ("shape", "options", "sentence"),
    [
        ((2,), {}, r"`images` must have the shape \(N, height, .* received \(64, 2\)"),
        ((3, 2, 1), dict(n=10, labels=[1, 2]), r"one label for all 10, or 10 of them.* \(2,\)"),
    ],
)
@pytest.mark.parametrize(("kind", "name"), [(ImageGrid, "grid.png"), (TrainingGif, "film.gif")])
def test_what_cannot_be_drawn_is_said_before_training(
    tmp_path, kind, name, shape, options, sentence
):
    num_classes = 7 if "labels" in options else None
    networks = MLPGenerator(shape, (5,), num_classes), MLPDiscriminator((5,), num_classes)
    model = GAN(*networks, 3, num_classes=num_classes)
    model.compile()
    data = [np.zeros([4, *shape], "float32")] + ([np.arange(4)] if num_classes else [])
    with pytest.raises(ValueError, match=sentence):
        model.fit(*data, verbose=0, callbacks=[kind(tmp_path / name, **options)])
    assert model.generator_optimizer.iterations.numpy() == 0


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
