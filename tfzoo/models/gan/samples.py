"""Real samples on their way into a step: what `fit` takes, and what a batch must be.

Images are uint8 in [0, 255] or float in [-1, 1]; samples of other ranks are floats of any size.
B batch.
"""

import warnings

import numpy as np
import tensorflow as tf

from tfzoo.data import batches, shuffled_batches
from tfzoo.data.batches import without_autotuning
from tfzoo.models.task import sum_over_replicas

IMAGE_RANK = 3
ROUNDING = 1e-3
LABELS = (
    "Labels must be one whole number for each sample, neither names nor one-hot; received {}. Of "
    "one-hot labels pass `labels.argmax(axis=-1)`."
)


def connect(task):
    """Builds both networks, and returns the shape of one sample.

    Raises:
        ValueError: if the generator's output does not fit into the discriminator.
    """
    require_numbers(task)
    latents, labels = tf.zeros([task.packing, task.latent_dim]), tf.zeros([task.packing], tf.int32)
    fakes = task.generator(task.inputs_of(latents, labels))
    if task.average_generator is not None:
        task.average_generator(task.inputs_of(latents, labels))
        task.average_generator.trainable = False
    seen = pack(fakes, task.packing)
    expected = getattr(task.discriminator, "image_shape", seen.shape[1:])
    if tuple(expected) != tuple(seen.shape[1:]):
        raise ValueError(
            f"`discriminator` must take what `generator` makes, samples of shape {seen.shape[1:]}"
            f"{' when packed' if task.packing > 1 else ''}; received one for {tuple(expected)}."
        )
    try:
        logits = task.discriminator(task.inputs_of(seen, labels[:1]))
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise ValueError(
            f"`discriminator` must take what `generator` makes, samples of shape {seen.shape[1:]}"
            f"{' when packed' if task.packing > 1 else ''}; it says: {error}"
        ) from error
    if logits.shape[0] != 1 or logits.shape.num_elements() != 1:
        raise ValueError(
            "`discriminator` must return one logit for each sample, of shape (B, 1); received "
            f"shape {tuple(logits.shape)} for B = 1."
        )
    return tuple(fakes.shape[1:])


def require_numbers(task):
    """Refuses sizes that no network has, and networks that know other classes."""
    for name in ("latent_dim", "packing"):
        value = getattr(task, name)
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"`{name}` must be an int, 1 or more; received {value!r}.")
    if task.packing > 1 and task.num_classes is not None:
        raise ValueError(
            "`packing` must be 1 for a GAN with classes: samples of a pack have labels of their "
            f"own, and a pack has one logit; received packing={task.packing}."
        )
    for name in ("generator", "discriminator"):
        found = getattr(getattr(task, name), "num_classes", task.num_classes)
        if found != task.num_classes:
            raise ValueError(
                f"`{name}` must have the num_classes of the GAN, {task.num_classes}; received one "
                f"with {found}."
            )


def pack(x, packing):
    """Joins each `packing` neighbours of (B, ..., C) along their last axis: (B/p, ..., p C)."""
    if packing == 1:
        return x
    shape = x.shape[1:]
    rank = len(shape)
    x = tf.reshape(x, [-1, packing, *shape])
    x = tf.transpose(x, [0, *range(2, rank + 1), 1, rank + 1])
    return tf.reshape(x, [-1, *shape[:-1], packing * shape[-1]])


def unpack(task, data, num_parts):
    """A batch as the step wants it: `num_parts` pairs of float32 samples and int32 labels."""
    images, labels = split(task, data)
    images, labels = scaled(task, images), checked(task, labels)
    size, num_rows = num_parts * task.packing, images.shape[0]
    sentence = (
        "`discriminator_steps` times `packing` must divide the batch size per replica; received "
        f"discriminator_steps={num_parts}, packing={task.packing} and a batch of "
        f"{num_rows or 'another size'}."
    )
    if num_rows and num_rows % size:
        raise ValueError(sentence)
    divides = tf.debugging.assert_equal(tf.shape(images)[0] % size, 0, sentence)
    with tf.control_dependencies([divides] if divides is not None else []):
        images = tf.identity(images)
    if num_parts == 1:
        return [(images, labels)]
    label_parts = [None] * num_parts if labels is None else tf.split(labels, num_parts)
    return list(zip(tf.split(images, num_parts), label_parts, strict=True))


def at_least(num_rows, data):
    """Tensors of at least so many rows: zeros where a replica has nothing of the last batch.

    TensorFlow's convolution of no images has a wrong shape on a CPU.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return data

    def filled(rows):
        if rows is None:
            return None
        missing = tf.maximum(num_rows - tf.shape(rows)[0], 0)
        return tf.pad(rows, [[0, missing], *[[0, 0]] * (rows.shape.rank - 1)])

    return tf.nest.map_structure(filled, data)


def split(task, data):
    """Images and labels from whatever holds them; labels are None where there are no classes."""
    if isinstance(data, dict):
        if "image" not in data:
            raise ValueError(
                "A dict of samples must have the keys 'image' and, for classes, 'label'; received "
                f"{', '.join(map(repr, data))}."
            )
        images, labels = data["image"], data.get("label")
    elif isinstance(data, (tuple, list)):
        if not len(data) or any(part is not None for part in data[2:]):
            raise ValueError(
                "Samples must be one array, or a pair of samples and labels; received a "
                f"{type(data).__name__} of {len(data)}. Call `numpy.stack` on single samples."
            )
        images, labels = data[0], data[1] if len(data) > 1 else None
    else:
        images, labels = data, None
    if task.num_classes is None:
        return images, None
    if labels is None:
        raise ValueError(
            f"A GAN with num_classes={task.num_classes} needs labels; received samples alone. Call "
            "`fit(images, labels)`, or make the GAN without `num_classes`."
        )
    return images, labels


def scaled(task, images):
    """Images as float32 in [-1, 1] of the shape that the generator makes."""
    images = tf.convert_to_tensor(images)
    if images.shape.rank == len(task.data_shape) and task.data_shape[-1] == 1:
        images = images[..., None]
    if tuple(images.shape[1:]) != task.data_shape:
        raise ValueError(
            f"Samples must have the shape that the generator makes, {task.data_shape}; received "
            f"{tuple(images.shape[1:])}. Resize them, or change the generator."
        )
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) / 127.5 - 1
    if not images.dtype.is_floating:
        raise ValueError(
            "Images must be uint8 in [0, 255] or float in [-1, 1]; received "
            f"{images.dtype.name}. Scale them to one of these ranges first."
        )
    images = tf.cast(images, tf.float32)
    if len(task.data_shape) != IMAGE_RANK:
        return images
    inside = tf.debugging.assert_less_equal(
        tf.reduce_max(tf.abs(images)),
        1 + ROUNDING,
        "Float images must be in [-1, 1]; received values outside. Pass uint8 images, or divide "
        "those in [0, 255] by 127.5 and subtract 1.",
    )
    with tf.control_dependencies([inside] if inside is not None else []):
        return tf.identity(images)


def checked(task, labels):
    """Labels as int32 (B,) in [0, num_classes)."""
    if labels is None:
        return None
    found = tf.reshape(labels, [-1])
    labels = tf.cast(found, tf.int32)
    inside = tf.debugging.Assert(
        tf.reduce_all(
            (labels >= 0) & (labels < task.num_classes) & (tf.cast(labels, found.dtype) == found)
        ),
        [
            "Labels must be whole numbers in [0, num_classes), num_classes="
            f"{task.num_classes}; received a lowest and a highest of",
            tf.stack([tf.reduce_min(found), tf.reduce_max(found)]),
        ],
    )
    with tf.control_dependencies([inside] if inside is not None else []):
        return tf.identity(labels)


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
            num_rows = int(x.cardinality())
            batch_size = min(batch_size, num_rows) if num_rows > 0 else batch_size
            x = x.shuffle(64 * batch_size, seed=seed).batch(batch_size, drop_remainder=True)
        x = x.map(lambda *batch: looked_at(task, batch)).prefetch(2)
        return without_autotuning(x), None
    rows = in_memory(task, x, y)
    size = task.packing * task.discriminator_steps
    num_rows = len(tf.nest.flatten(rows)[0])
    if num_rows < size:
        raise ValueError(
            f"There must be at least packing={task.packing} times discriminator_steps="
            f"{task.discriminator_steps} samples; received {num_rows}."
        )
    batch_size = min(batch_size, num_rows - num_rows % size)
    return shuffled_batches(rows, batch_size, seed=seed), num_rows // batch_size


def evaluation_batches(task, x, y, batch_size):
    """See `Task.evaluation_batches`; what is left over after the last full pack is left out."""
    if isinstance(x, tf.data.Dataset) and is_batched(task, x):
        return without_autotuning(x.map(lambda *batch: looked_at(task, batch)).prefetch(2))
    batch_size = max(task.packing, batch_size - batch_size % task.packing)
    if isinstance(x, tf.data.Dataset):
        x = x.batch(batch_size)
        return without_autotuning(x.map(lambda *batch: looked_at(task, batch)).prefetch(2))
    rows = in_memory(task, x, y)
    if task.packing > 1:
        rows = rows[: len(rows) - len(rows) % task.packing]
    return batches(rows, batch_size)


def gathered(task, x, y, batch_size):
    """All samples of a dataset or of arrays, float32 as `generate` makes them, and their labels."""
    dataset = evaluation_batches(task, x, y, batch_size) if is_raw(task, x) else x
    parts = [unpack(task, batch, 1)[0] for batch in dataset]
    images = np.concatenate([images for images, _ in parts])
    return images, None if task.num_classes is None else np.concatenate([y for _, y in parts])


def latent_batches(x, batch_size):
    """Batches of latents, or of `[latents, labels]`, for `predict`; a dataset as it is."""
    if isinstance(x, tf.data.Dataset):
        return x
    rows = tuple(map(np.asarray, x)) if isinstance(x, (tuple, list)) else np.asarray(x)
    dataset = batches(rows, batch_size)
    return dataset.map(lambda *pair: (pair,)) if isinstance(rows, tuple) else dataset


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


def looked_at(task, batch):
    """A batch of a dataset, after a look at every value: in a step XLA would leave it out."""
    batch = batch[0] if len(batch) == 1 else batch
    images, labels = split(task, batch)
    if labels is not None and (labels.dtype == tf.string or labels.shape[1:] not in ([], [1])):
        raise ValueError(LABELS.format(f"{labels.dtype.name} of shape {labels.shape}"))
    if images.shape.rank == len(task.data_shape):
        images = images[..., None]  # one shape, whatever form they come in: a step is traced once
    seen = [scaled(task, images), checked(task, labels)]
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
    wrong = labels[(labels < 0) | (labels >= task.num_classes) | (labels % 1 != 0)]
    if len(wrong):
        raise ValueError(
            f"Labels must be whole numbers in [0, num_classes), num_classes={task.num_classes}; "
            f"received {wrong[0]}."
        )
    return images, labels.astype("int32")


def adapt(task, real_logits):
    """Moves the probability of an adaptive augmentation, by the real logits of all replicas."""
    signs = tf.reduce_sum(tf.sign(real_logits))
    count = tf.cast(tf.size(real_logits), tf.float32)
    signs, count = sum_over_replicas([signs, count])
    num_images = count * task.packing
    probability = task.augmentation_probability
    latest = task.augmentation.next_probability(probability.value, signs / count, num_images)
    probability.assign(latest)
    task.training_metrics["augmentation_probability"].update_state(latest)


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
    if is_image and low >= 0 and images.size:
        warnings.warn(
            f"Float images are in [-1, 1], and these are all in [{images.min():g}, {high:g}]: if "
            "black is 0 in them, pass `2 * images - 1`.",
            stacklevel=2,
        )
