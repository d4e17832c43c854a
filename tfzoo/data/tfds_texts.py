"""Reading documents and examples from TensorFlow Datasets."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfzoo.data.tfds_source import in_stored_order, prepared


def tfds_texts(
    name: str, split: str | None, field: str, data_dir: str | None, errors: str
) -> Iterator[str]:
    """Yields one field of every example, in the order in which they are stored.

    Args:
        name: As `tfds.load` takes it: `"imdb_reviews"`, `"wikipedia/20230601.de"`.
        split: `"train"`, `"train[:10%]"`, `"train+test"`; None for all splits.
        field: The feature that holds the text.
        data_dir: The folder that holds the prepared dataset; None for `~/tensorflow_datasets`.
        errors: `"strict"`, `"replace"` or `"ignore"`: what to do about bytes that are not UTF-8.

    Yields:
        Texts.

    Raises:
        FileNotFoundError: The dataset is not prepared there.
        ValueError: There is no such dataset, split or field of text, or a text is not UTF-8.
    """
    dataset = in_stored_order(prepared(name, data_dir), split)
    fields = [key for key, spec in dataset.element_spec.items() if _is_text(spec)]
    if field not in fields:
        raise ValueError(f"tfds:{name} has no text field {field!r}; it has {', '.join(fields)}.")
    texts = dataset.map(lambda example: example[field])
    for number, text in enumerate(texts.as_numpy_iterator()):
        try:
            yield text.decode("utf-8", errors)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"tfds:{name}, example {number} is not UTF-8 at byte {error.start}: "
                "read it with errors='replace'."
            ) from error


def stored_examples(name: str, split: str | None, data_dir: str | None) -> Iterator[dict]:
    """Yields whole examples as dictionaries of NumPy values, in the order of the files.

    Args:
        name: As `tfds.load` takes it: `"xquad/en"`.
        split: `"test"`, `"test[:10%]"`; None for all splits.
        data_dir: The folder that holds the prepared dataset; None for `~/tensorflow_datasets`.

    Yields:
        Examples; strings are bytes.

    Raises:
        FileNotFoundError: The dataset is not prepared there.
        ValueError: There is no such dataset or split.
    """
    yield from in_stored_order(prepared(name, data_dir), split).as_numpy_iterator()


def named_examples(
    name: str, split: str | None, data_dir: str | None
) -> Iterator[tuple[str, dict]]:
    """Yields examples as Python values, with the names of classes instead of their numbers.

    Args:
        name: As `tfds.load` takes it.
        split: `"test"`, `"test[:10%]"`; None for all splits.
        data_dir: The folder that holds the prepared dataset; None for `~/tensorflow_datasets`.

    Yields:
        `(where, example)`: the dataset and the number of the example, and its features: strings
        for text and classes, lists for sequences of them, other values as NumPy has them.

    Raises:
        FileNotFoundError: The dataset is not prepared there.
        ValueError: There is no such dataset or split, or a text is not UTF-8.
    """
    features = prepared(name, data_dir).info.features
    for number, example in enumerate(stored_examples(name, split, data_dir)):
        where = f"tfds:{name}, example {number}"
        yield where, {key: _plain(value, features[key], where) for key, value in example.items()}


def _plain(value, feature, where):
    """Strings and names of classes for what NumPy has of them, one by one in sequences."""
    inner = getattr(feature, "feature", None)
    if inner is not None and isinstance(value, np.ndarray):
        return [_plain(item, inner, where) for item in value]
    if hasattr(feature, "int2str"):
        return feature.int2str(int(value))
    if isinstance(value, bytes):
        return _decoded(value, where)
    return value.item() if isinstance(value, np.generic) else value


def _decoded(value, where):
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{where} is not UTF-8 at byte {error.start}.") from error


def _is_text(spec):
    return isinstance(spec, tf.TensorSpec) and spec.dtype == tf.string and spec.shape.rank == 0
