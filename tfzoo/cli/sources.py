"""Data as they are named on the command line, for training and for evaluation."""

from pathlib import Path

BUILT_IN_LABELLED = "docstring_areas"
# What the built-in data are, and what learns from them.
BUILT_IN = {
    "python_stdlib": ("texts", "tfzoo train gpt, or train bert without --task"),
    "python_docstrings": ("texts", "tfzoo train gpt, or train bert without --task"),
    BUILT_IN_LABELLED: ("labels", "tfzoo train bert with --task classify"),
    "digits": ("images", "tfzoo train gan"),
}
KINDS = {
    "generation": "texts",
    "masked_lm": "texts",
    "classification": "labels",
    "images": "images",
}


def check(serves: str, source: str) -> None:
    """Refuses, before anything is loaded, built-in data of another kind, and folders of models."""
    kind, command = BUILT_IN.get(source, (None, None))
    if kind and kind != KINDS.get(serves) and not Path(source).exists():
        raise ValueError(f"{source} has {kind}: use {command}.")
    is_run, *is_model = (
        (Path(source) / name).is_file() for name in ("run.json", "config.json", "model.safetensors")
    )
    if is_run or all(is_model):
        what = "a run" if is_run else "a model"
        raise ValueError(f"`data` must be data; received {source}, the folder of {what}.")


def read(
    serves: str, source: str, names=None, data_dir=None, columns=None, image_size=None
) -> tuple:
    """Reads what a task learns from, and is evaluated on.

    Args:
        serves: `SERVES` of the task.
        source: a file, folder, pattern, `tfds:name`, `tfds:name@split`, or a built-in name.
        names: the classes or entities that may occur; None allows all.
        data_dir: folder of prepared TFDS datasets.
        columns: dict of what `columns_of` returns, for labelled texts.
        image_size: int, pixels of a side that image files are brought to.

    Returns:
        The arguments of its `fit` and `evaluate`.
    """
    from tfzoo import data

    check(serves, source)
    name, _, split = source.partition("@") if source.startswith("tfds:") else (source, "", "")
    where = {"split": split or None, "data_dir": data_dir}
    if serves == "classification" and source == BUILT_IN_LABELLED:
        return (*data.docstring_areas(validation=0.0, test=0.0).train,)
    if serves == "classification":
        return (*data.load_labelled_texts(name, class_names=names, **where, **columns or {}),)
    if serves == "tokens":
        return (*data.load_tagged_words(name, entity_names=names, **where),)
    if serves == "answers":
        return (data.load_squad(name, **where),)
    if serves == "images":
        images = data.load_images(name, **where if split or data_dir else {}, image_size=image_size)
        return images.images, images.labels
    if serves in ("generation", "masked_lm"):
        return (data.load_texts(name, **where),)
    raise ValueError(f"There are no numbers yet for a task that serves {serves}.")


def columns_of(serves: str, **options: str | None) -> dict[str, str | int]:
    """Where labelled texts have what, as options say: by name, or counted from 0."""
    found = {name: value for name, value in options.items() if value is not None}
    if found and serves != "classification":
        raise ValueError(
            f"`--{next(iter(found))}` names a column of labelled texts: leave it out for what "
            f"serves {serves}."
        )
    return {name: int(value) if value.isdecimal() else value for name, value in found.items()}


def hold_out(examples: tuple, share: float) -> list[tuple]:
    """Divides examples at random, always alike: training, validation and test.

    Whatever label there is, an example of it stays for training. Equal examples may come into two
    parts; texts alone are better divided by `load_corpus`.
    """
    import numpy as np

    order = np.random.default_rng(0).permutation(len(examples[0]))
    num_labels = 0
    if len(examples) > 1:
        order, num_labels = _first_of_each_label_last(order, examples[1])
    count = round(share * len(order))
    if share and not 0 < count < len(order) / 2:
        raise ValueError(
            f"`--held-out` must be a share below a half that leaves at least one of "
            f"{len(order)} examples for validation and one for test; received {share}."
        )
    if len(order) - 2 * count < num_labels:
        raise ValueError(
            f"`--held-out` must leave an example of each of {num_labels} labels for training; "
            f"received {share}, which leaves {len(order) - 2 * count} of {len(order)} examples."
        )
    parts = order[2 * count :], order[:count], order[count : 2 * count]
    return [tuple([column[i] for i in np.sort(part)] for column in examples) for part in parts]


def _first_of_each_label_last(order, labels):
    seen, first, others = set(), [], []
    for place in order:
        names = {labels[place]} if isinstance(labels[place], str) else set(labels[place])
        (others if names <= seen else first).append(place)
        seen |= names
    return [*others, *first], len(first)
