"""Texts and labels as users have them -> lists, numbers and batches.

N examples, C classes.
"""

import numpy as np
import tensorflow as tf

from tfzoo.models.text_batches import as_strings, is_text


def is_examples(x):
    """Whether `x` is texts, pairs of texts, or a `tf.data.Dataset` of texts with labels."""
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec[0] if isinstance(x.element_spec, tuple) else x.element_spec
        return spec == tf.TensorSpec([], tf.string) or spec == tf.TensorSpec([2], tf.string)
    return is_text(x) or (isinstance(x, (list, tuple)) and all(map(_is_pair, x)))


def as_examples(x, y=None):
    """Texts as a string tensor (N,) or (N, 2), and the labels as a list or as they are.

    A dataset is read into memory, where examples of about one length can find each other.
    """
    if isinstance(x, tf.data.Dataset):
        elements = list(x.as_numpy_iterator())
        if isinstance(x.element_spec, tuple):
            x, y = (list(part) for part in zip(*elements, strict=True))
            y = [label.decode() if isinstance(label, bytes) else label for label in y]
        else:
            x = elements
    texts = as_strings(x)
    if not texts.shape[0]:
        raise ValueError("`x` must hold at least one text; received an empty list.")
    return texts, y


def target_array(y, num_examples, class_names, multi_label):
    """Labels as numbers.

    Args:
        y: N labels: names of classes, or their numbers; with `multi_label` N lists of names, or an
            array (N, C) that says which classes each example has.
        num_examples: int, N.
        class_names: C strings.
        multi_label: bool.

    Returns:
        int32 (N,); with `multi_label` float32 (N, C), 0 or 1.

    Raises:
        ValueError: there are more or fewer labels than examples, or one that is no class.
    """
    if y is None or len(y) != num_examples:
        found = "None" if y is None else len(y)
        raise ValueError(
            f"`y` must hold one label for each of the {num_examples} texts; received {found}."
        )
    numbers = {name: number for number, name in enumerate(class_names)}
    if not multi_label:
        rows = [_numbers([label], numbers, place)[0] for place, label in enumerate(y)]
        return np.array(rows, "int32")
    if isinstance(y, (np.ndarray, tf.Tensor)) and np.asarray(y).dtype.kind in "biuf":
        return _flags(np.asarray(y), len(class_names))
    flags = np.zeros([num_examples, len(class_names)], "float32")
    for place, labels in enumerate(y):
        flags[place, _numbers(labels, numbers, place)] = 1
    return flags


def require_every_class(targets, class_names):
    """Raises a `ValueError` that names the classes which no example has."""
    if targets.ndim == 1:
        counts = np.bincount(targets, minlength=len(class_names))
    else:
        counts = targets.sum(axis=0)
    empty = [name for name, count in zip(class_names, counts, strict=True) if not count]
    if empty:
        raise ValueError(
            f"Every class must have an example to learn from; {len(empty)} of {len(class_names)} "
            f"have none, the first is {empty[0]!r}. Take them out of `class_names`, or add texts."
        )


def _is_pair(example):
    return (
        isinstance(example, (list, tuple))
        and len(example) == 2
        and all(isinstance(text, (str, bytes)) for text in example)
    )


def _numbers(labels, numbers, place):
    """Numbers of the labels of one example."""
    if isinstance(labels, (str, bytes)):
        raise ValueError(
            f"With `multi_label` the labels of an example are a list; example {place} has "
            f"{labels!r:.80}."
        )
    found = [_number(label, numbers, place) for label in labels]
    if len(set(found)) != len(found) or list(labels) == [0, 1] == list(range(len(numbers))):
        raise ValueError(
            f"The labels of example {place} must be names or numbers of classes, each once; "
            f"received {labels!r:.80}. A 0 or 1 for each class belongs into a NumPy array."
        )
    return found


def _number(label, numbers, place):
    if isinstance(label, (int, np.integer)) and 0 <= label < len(numbers):
        return int(label)
    if isinstance(label, str) and label in numbers:
        return numbers[label]
    raise ValueError(
        f"The label {label!r:.80} of example {place} must be one of the {len(numbers)} "
        f"`class_names`, which begin with {', '.join(list(numbers)[:5])}."
    )


def _flags(flags, num_classes):
    if flags.ndim != 2 or flags.shape[1] != num_classes or not np.isin(flags, (0, 1)).all():
        raise ValueError(
            f"An array of labels must be 0 or 1, of shape (N, {num_classes}); received shape "
            f"{flags.shape}."
        )
    return flags.astype("float32")
