"""Datasets of TensorFlow Datasets, as they were prepared on this machine."""

import os


def tfds_splits(name: str, data_dir: str | os.PathLike | None = None) -> list[str]:
    """The names of the splits of a prepared dataset, such as `["train", "test"]`."""
    return list(prepared(name, data_dir).info.splits)


def prepared(name: str, data_dir: str | os.PathLike | None = None):
    """Finds a prepared dataset.

    Args:
        name: As `tfds.load` takes it: `"imdb_reviews"`, `"wikipedia/20230601.de"`.
        data_dir: The folder that holds the prepared dataset; None for `~/tensorflow_datasets`.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        FileNotFoundError: The dataset is not prepared there.
        ValueError: There is no such dataset.
    """
    # Not at the top: whoever never names a TFDS dataset does not wait for it.
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(
            f"TensorFlow Datasets knows no dataset {name!r}: check the name, "
            "or the folder that holds it with data_dir."
        ) from error
    if not builder.info.splits:
        raise FileNotFoundError(
            f"tfds:{name} is not prepared in {builder.data_path}: pass the right data_dir, or "
            f"prepare it once with tfds.load({name!r}, data_dir=...), which downloads it."
        )
    return builder


def in_stored_order(builder, split: str | None = None):
    """Opens a prepared dataset so that it yields its examples in the order of its files.

    Args:
        builder: What `prepared` returns.
        split: `"train"`, `"train[:10%]"`, `"train+test"`; None for all splits.

    Returns:
        A `tf.data.Dataset` of dictionaries.

    Raises:
        ValueError: There is no such split.
    """
    import tensorflow_datasets as tfds

    # One shard after the other: the order of the files, on any number of cores.
    reading = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    # Autotuning costs seconds when the iterator is thrown away.
    reading.options.autotune.enabled = False
    split = split or "+".join(builder.info.splits)
    return builder.as_dataset(split=split, shuffle_files=False, read_config=reading)
