"""Samples in memory and datasets of them, looked at and made into batches for `fit` and the rest.

B batch.
"""

import functools
import warnings

import numpy as np
import tensorflow as tf

from tfzoo.data import batches, shuffled_batches
from tfzoo.data.batches import without_autotuning
from tfzoo.models.gan.samples import (
    IMAGE_RANK,
    ROUNDING,
    checked,
    require_division,
    scaled,
    split,
    unpack,
)

LABELS = (
    "Labels must be one whole number for each sample, neither names nor one-hot; received {}. Of "
    "one-hot labels pass `labels.argmax(axis=-1)`."
)


def is_raw(task, x):
    """Whether `x` is samples in memory, or a dataset of them."""
    if isinstance(x, tf.data.Dataset):
        return True
    if isinstance(x, dict):
        return "image" in x
    first = x[0] if isinstance(x, (tuple, list)) and len(x) else x
    return isinstance(first, np.ndarray) or tf.is_tensor(first)


def training_batches(task, x, y, batch_size, seed):
    """`(dataset, steps)`: see `Task.training_batches`. Batches of a dataset stay as they are."""
    if isinstance(x, tf.data.Dataset):
        if not is_batched(task, x):
            batch_size = batch_of(task, batch_size, int(x.cardinality()))
            x = x.shuffle(64 * batch_size, seed=seed).batch(batch_size, drop_remainder=True)
        return all_looked_at(task, x), None
    rows = in_memory(task, x, y)
    num_rows = len(tf.nest.flatten(rows)[0])
    batch_size = batch_of(task, batch_size, num_rows)
    return shuffled_batches(rows, batch_size, seed=seed), num_rows // batch_size


def batch_of(task, batch_size, num_rows):
    """The batch size, or as many rows as there are and can be cut for all updates and replicas.

    Raises:
        ValueError: if the size that was asked for cannot be cut, however many rows there are.
    """
    num_replicas = task.distribute_strategy.num_replicas_in_sync
    if batch_size % num_replicas == 0:  # else `global_batches` says so
        require_division(task, task.discriminator_steps, batch_size // num_replicas)
    size = task.packing * task.discriminator_steps * num_replicas
    if 0 <= num_rows < size:
        raise ValueError(
            f"There must be at least packing={task.packing} times discriminator_steps="
            f"{task.discriminator_steps} samples on each replica; received {num_rows}."
        )
    return batch_size if not 0 <= num_rows < batch_size else num_rows - num_rows % size


def evaluation_batches(task, x, y, batch_size):
    """See `Task.evaluation_batches`; what is left over after the last full packs is left out.

    With packing each replica needs full packs, of the last batch too.
    """
    if isinstance(x, tf.data.Dataset) and is_batched(task, x):
        return all_looked_at(task, x)
    num_replicas = task.distribute_strategy.num_replicas_in_sync
    unit = task.packing * num_replicas if task.packing > 1 else 1
    batch_size = max(unit, batch_size - batch_size % unit)
    if isinstance(x, tf.data.Dataset):
        if unit > 1:
            x = x.batch(unit, drop_remainder=True).unbatch()
        return all_looked_at(task, x.batch(batch_size))
    rows = in_memory(task, x, y)
    if unit > 1:
        rows = rows[: len(rows) - len(rows) % unit]
    return batches(rows, batch_size)


def gathered(task, x, y, batch_size):
    """All samples of a dataset or of arrays, float32 as `generate` makes them, and their labels."""
    dataset = evaluation_batches(task, x, y, batch_size) if is_raw(task, x) else x
    parts = [unpack(task, batch, 1)[0] for batch in dataset]
    images = np.concatenate([images for images, _ in parts])
    return images, None if task.num_classes is None else np.concatenate([y for _, y in parts])


def latent_batches(task, x, batch_size):
    """Batches of latents, or of `[latents, labels]`, for `predict`; a dataset as it is."""
    if isinstance(x, tf.data.Dataset):
        return x
    rows = tuple(map(np.asarray, x)) if isinstance(x, (tuple, list)) else (np.asarray(x),)
    shapes, num_rows = [part.shape for part in rows], len(rows[0]) if rows[0].ndim else 0
    wanted, expected = "latents (B, {})", [(num_rows, task.latent_dim)]
    if task.num_classes is not None:
        wanted, expected = f"`[{wanted}, labels (B,)]`", [*expected, (num_rows,)]
    if shapes != expected:
        raise ValueError(
            f"`x` must be {wanted.format(task.latent_dim)}; received "
            f"{' and '.join(map(str, shapes))}."
        )
    if task.num_classes is None:
        return batches(rows[0], batch_size)
    require_labels(task, rows[1])
    return batches(rows, batch_size).map(lambda *pair: (pair,))


def is_batched(task, dataset):
    """Whether the elements of a dataset are batches, and not single samples."""
    spec = dataset.element_spec
    spec = spec.get("image") if isinstance(spec, dict) else tf.nest.flatten(spec)[0]
    if spec is None or spec.shape.rank is None:
        raise ValueError(
            "A dataset must have samples of a shape that is known, alone, with labels, or as "
            f"'image' and 'label' of a dict; received {dataset.element_spec}."
        )
    # Images of one channel may come without an axis for it, alone and in batches.
    flat = task.data_shape[:-1] if task.data_shape[-1] == 1 else task.data_shape
    return not any(spec.shape.is_compatible_with(shape) for shape in (task.data_shape, flat))


def all_looked_at(task, dataset):
    """Batches of a dataset, each `looked_at`; what is wrong comes as one sentence."""
    # AutoGraph would bury the sentence under a trace.
    look = tf.autograph.experimental.do_not_convert(functools.partial(looked_at, task))
    return without_autotuning(dataset.enumerate().map(look).prefetch(2))


def looked_at(task, number, batch):
    """A batch of a dataset, after a look at every value: in a step XLA would leave it out."""
    batch = batch[0] if isinstance(batch, tuple) and len(batch) == 1 else batch
    images, labels = split(task, batch)
    if labels is not None and (labels.dtype == tf.string or labels.shape[1:] not in ([], [1])):
        raise ValueError(LABELS.format(f"{labels.dtype.name} of shape {labels.shape}"))
    if images.shape.rank == len(task.data_shape):
        images = images[..., None]  # one shape, whatever form they come in: a step is traced once
    seen = [scaled(task, images), checked(task, labels), _warned(task, number, images)]
    with tf.control_dependencies([x for x in seen if x is not None]):
        images = tf.identity(images)
    return images if labels is None else (images, labels)


def in_memory(task, x, y):
    """All samples, and labels where there are classes, after a look at every value.

    Raises:
        ValueError: if a value is not finite or out of its range.
    """
    images, labels = split(task, x if y is None else (x, y))
    images = np.asarray(images)
    if images.ndim == len(task.data_shape) and task.data_shape[-1] == 1:
        images = images[..., None]
    if images.shape[1:] != task.data_shape:
        raise ValueError(
            f"Samples must have the shape that the generator makes, {task.data_shape}; received "
            f"{images.shape[1:]}. Resize them, or change the generator."
        )
    if not len(images):
        raise ValueError("There must be at least one sample; received none.")
    if images.dtype.kind == "f":
        images = images.astype("float32", copy=False)
        _require_range(task, images)
    if labels is None:
        return images
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iufb" or labels.ndim > 2 or labels.shape[1:] not in ((), (1,)):
        raise ValueError(LABELS.format(f"{labels.dtype} of shape {labels.shape}"))
    labels = labels.reshape(-1)
    if len(labels) != len(images):
        raise ValueError(
            f"There must be one label for each sample; received {len(images)} samples and "
            f"{len(labels)} labels."
        )
    require_labels(task, labels)
    return images, labels.astype("int32")


def require_labels(task, labels):
    """Refuses labels that are not whole numbers in [0, num_classes)."""
    if labels.dtype.kind not in "iufb":
        raise ValueError(f"Labels must be whole numbers; received {labels.dtype} values.")
    wrong = labels[(labels < 0) | (labels >= task.num_classes) | (labels % 1 != 0)]
    if len(wrong):
        raise ValueError(
            f"Labels must be whole numbers in [0, num_classes), num_classes={task.num_classes}; "
            f"received {wrong[0]}."
        )


def _require_range(task, images):
    low, high = images.min(initial=0), images.max(initial=0)
    is_image = len(task.data_shape) == IMAGE_RANK
    if not np.isfinite([low, high]).all():
        raise ValueError("Samples must be finite; received NaN or infinity.")
    if is_image and (low < -1 - ROUNDING or high > 1 + ROUNDING):
        raise ValueError(
            f"Float images must be in [-1, 1]; received values in [{low:g}, {high:g}]. Pass uint8 "
            "images, or divide those in [0, 255] by 127.5 and subtract 1."
        )
    if is_image:
        _warn_of_black(images)


def _warned(task, number, images):
    """What looks at the first batch of a dataset, as `_require_range` does at an array."""
    if len(task.data_shape) != IMAGE_RANK or not images.dtype.is_floating:
        return None
    return tf.cond(
        tf.equal(number, 0),
        lambda: tf.numpy_function(_warn_of_black, [images], tf.int64),
        lambda: tf.constant(0, tf.int64),
    )


def _warn_of_black(images):
    if images.size and images.min() >= 0:
        warnings.warn(
            f"Float images are in [-1, 1], and these are all in [{images.min():g}, "
            f"{images.max():g}]: if black is 0 in them, pass `2 * images - 1`.",
            stacklevel=3,
        )
    return np.int64(0)
