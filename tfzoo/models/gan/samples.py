"""Real samples on their way into a step: what `fit` takes, and what a batch must be.

Images are uint8 in [0, 255] or float in [-1, 1]; samples of other ranks are floats of any size.
B batch.
"""

import numpy as np
import tensorflow as tf

from tfzoo.data import Images
from tfzoo.models.arguments import require_classes, require_ints
from tfzoo.models.task import sum_over_replicas

IMAGE_RANK = 3
ROUNDING = 1e-3


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
    require_ints(latent_dim=task.latent_dim, packing=task.packing)
    require_classes(task.num_classes)
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
    sentence = require_division(task, num_parts, images.shape[0])
    divides = tf.debugging.assert_equal(
        tf.shape(images)[0] % (num_parts * task.packing), 0, sentence
    )
    with tf.control_dependencies([divides] if divides is not None else []):
        images = tf.identity(images)
    if num_parts == 1:
        return [(images, labels)]
    label_parts = [None] * num_parts if labels is None else tf.split(labels, num_parts)
    return list(zip(tf.split(images, num_parts), label_parts, strict=True))


def require_division(task, num_parts, num_rows):
    """Refuses a batch that cannot be cut; where its size is not known, returns what to say then."""
    sentence = (
        "`discriminator_steps` times `packing` must divide the batch size per replica; received "
        f"discriminator_steps={num_parts}, packing={task.packing} and a batch of "
        f"{num_rows or 'another size'}."
    )
    if num_rows and num_rows % (num_parts * task.packing):
        raise ValueError(sentence)
    return sentence


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
    elif isinstance(data, Images):
        images, labels = data.images, data.labels
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
        if np.ndim(labels) > 2 or np.shape(labels)[1:] == task.data_shape:
            raise ValueError(
                "Samples must be one array; received two. Call `numpy.concatenate` on them."
            )
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
