"""What a generator draws, while it learns: the same noise after every epoch."""

import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageSequence

from tfzoo.callbacks.place import require_place
from tfzoo.callbacks.tile_images import tile_images, write_picture


class ImageGrid(keras.callbacks.Callback):
    """Writes a picture of samples after every epoch, from the same latents each time.

    Args:
        path: where the picture goes, a name that ends in .png. With `{epoch}` in it there is a
            picture for each epoch, counted from 1 (`"runs/{epoch:03d}.png"`); without, the newest
            takes the place of the one before. None for TensorBoard alone.
        n: int >= 1, number of samples.
        labels: optional ints (n,), their classes, for a conditional generator. None draws them.
        seed: int of the latents.
        columns: int, samples in a row; None for a square.
        scale: int, screen pixels for a pixel, along each side; None for the smallest that makes a
            sample at least 56 wide.
        log_dir: optional folder of TensorBoard's log: the picture is "samples" there.

    Raises:
        ValueError: if `path` has another ending, or other braces.

    Example:
        ```python
        from tfzoo.callbacks import ImageGrid

        # Ten of each class, a row for a class.
        grid = ImageGrid("runs/grid.png", n=100, labels=[i // 10 for i in range(100)], columns=10)
        ```
    """

    def __init__(
        self,
        path: str | os.PathLike | None = None,
        n: int = 64,
        labels=None,
        seed: int = 0,
        columns: int | None = None,
        scale: int | None = None,
        log_dir: str | os.PathLike | None = None,
    ):
        super().__init__()
        _require_ending(path, ".png")
        path_of_epoch(path, 1)
        self.path, self.log_dir = path, log_dir
        self.samples = dict(n=n, labels=labels, seed=seed)
        self.layout = dict(columns=columns, scale=scale)
        self._writer = None

    def on_train_begin(self, logs=None):
        """Draws once, so that what cannot be drawn or written is known before the first epoch."""
        draw(self.model, self.samples, self.layout)
        require_place(path_of_epoch(self.path, 1))

    def on_epoch_end(self, epoch, logs=None):
        """Draws, and writes."""
        picture = draw(self.model, self.samples, self.layout)
        if self.path is not None:
            write_picture(path_of_epoch(self.path, epoch + 1), [picture])
        if self.log_dir is not None:
            self._log(picture, epoch + 1)

    def _log(self, picture, step):
        # Not before there is something to write: an empty log confuses TensorBoard.
        self._writer = self._writer or tf.summary.create_file_writer(os.fspath(self.log_dir))
        # The message itself: tf.summary.image needs TensorBoard to be installed.
        height, width, channels = picture.shape
        image = tf.compat.v1.Summary.Image(
            height=height,
            width=width,
            colorspace=channels,
            encoded_image_string=tf.io.encode_png(picture).numpy(),
        )
        value = tf.compat.v1.Summary.Value(tag="samples", image=image)
        message = tf.compat.v1.Summary(value=[value]).SerializeToString()
        with self._writer.as_default():
            tf.summary.experimental.write_raw_pb(message, step=step)
        self._writer.flush()


class TrainingGif(keras.callbacks.Callback):
    """Makes a film of a training run: a frame of samples after every epoch, from the same latents.

    A run that goes on after its first epoch, by `Resume` or with `initial_epoch`, goes on with the
    film that it finds, after the frames of the epochs before.

    Args:
        path: where the film goes, a name that ends in .gif. It is there, so far, after every epoch.
        n: int >= 1, number of samples.
        labels: optional ints (n,), their classes, for a conditional generator. None draws them.
        seed: int of the latents.
        columns: int, samples in a row; None for a square.
        scale: int, screen pixels for a pixel, along each side; None for the smallest that makes a
            sample at least 56 wide.
        frame_duration: int, milliseconds that a frame stays; the last one stays ten times as long.

    Raises:
        ValueError: if `path` has another ending.

    Example:
        ```python
        from tfzoo.callbacks import TrainingGif

        film = TrainingGif("runs/training.gif", n=25, frame_duration=100)
        ```
    """

    def __init__(
        self,
        path: str | os.PathLike,
        n: int = 64,
        labels=None,
        seed: int = 0,
        columns: int | None = None,
        scale: int | None = None,
        frame_duration: int = 200,
    ):
        super().__init__()
        _require_ending(path, ".gif")
        self.path, self.frame_duration = path, frame_duration
        self.samples = dict(n=n, labels=labels, seed=seed)
        self.layout = dict(columns=columns, scale=scale)
        self._frames = []

    def on_train_begin(self, logs=None):
        """Forgets the run before; draws once, so that what cannot be is known at once."""
        self._frames = []
        draw(self.model, self.samples, self.layout)
        require_place(self.path)

    def on_epoch_end(self, epoch, logs=None):
        """Adds a frame, and writes the film so far."""
        frame = draw(self.model, self.samples, self.layout)
        if not self._frames and epoch > 0:
            self._frames = _frames_of(self.path, epoch, like=frame)
        self._frames.append(frame)
        durations = [self.frame_duration] * len(self._frames)
        durations[-1] *= 10
        options = dict(duration=durations, loop=0) if len(durations) > 1 else {}
        write_picture(self.path, self._frames, **options)


def _frames_of(path, count, like):
    """The first frames of a film, uint8 (H, W, channels); none if it is not there or unlike."""
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[like.shape[2]]
    try:
        with Image.open(path) as film:
            frames = [np.asarray(frame.convert(mode)) for frame in ImageSequence.Iterator(film)]
    except OSError:
        return []
    frames = [frame.reshape(*frame.shape[:2], -1) for frame in frames[:count]]
    return frames if frames[0].shape == like.shape else []


def draw(model, samples: dict, layout: dict) -> np.ndarray:
    """Samples of a model as one picture, uint8 (H, W, channels)."""
    arguments = {name: value for name, value in samples.items() if value is not None}
    return tile_images(model.generate(**arguments), **layout)


def path_of_epoch(path, epoch):
    """The name with the epoch in it; a name without `{epoch}` is every epoch's."""
    if path is None or "{epoch" not in os.fspath(path):
        return path
    try:
        return os.fspath(path).format(epoch=epoch)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(
            "`path` may hold `{epoch}`, with a format such as `{epoch:03d}`, and no other braces; "
            f"received {os.fspath(path)!r}."
        ) from error


def _require_ending(path, ending):
    if path is not None and Path(path).suffix != ending:
        raise ValueError(f"`path` must end in {ending}; received {os.fspath(path)!r}.")
