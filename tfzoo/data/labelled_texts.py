"""Texts with labels, from tables, JSON lines and TensorFlow Datasets."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tfzoo.data.lines import file_format, read_lines
from tfzoo.data.records import field_of, is_table, json_objects, read_table
from tfzoo.data.text_files import find_files
from tfzoo.data.tfds_texts import named_examples

_TFDS = "tfds:"


class LabelledTexts(NamedTuple):
    """Texts and what they are: `model.fit(*examples)`.

    Attributes:
        texts: N strings, or N pairs of strings.
        labels: N names of classes, or N lists of names where a text may have several.

    Example:
        >>> texts, labels = LabelledTexts(["Play it again.", "Stop!"], ["play", "stop"])
        >>> labels[1]
        'stop'
    """

    texts: list
    labels: list

    @property
    def class_names(self) -> list[str]:
        """The different labels, sorted."""
        return sorted({name for label in self.labels for name in _names(label)})


def load_labelled_texts(
    source: str | os.PathLike,
    *,
    text: str | int | None = None,
    label: str | int | None = None,
    pair: str | int | None = None,
    label_separator: str | None = None,
    class_names: Sequence[str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
) -> LabelledTexts:
    r"""Reads texts and their labels, all of them or none.

    Args:
        source: A `.tsv`, `.csv` or `.jsonl` file, UTF-8, with `.gz` behind compressed; a folder or
            a pattern of such files; or `"tfds:name"`, a dataset prepared by TensorFlow Datasets.
        text: Where the text is: a key, a feature, or a column, by its name in the first line or, in
            a table without names, counted from 0. None means "text", and column 0 of a .tsv
            whose first line names no columns "text" and "label"; a .csv is taken to have names
            unless a column is counted.
        label: Where the label is, likewise. None means "label", or column 1.
        pair: Where the second text is, for examples that are pairs of texts.
        label_separator: What stands between the labels of a text that may have several; each label
            is then a list. In `.jsonl` a list is one without being told.
        class_names: The labels that may occur; None allows all.
        split: A part of a TFDS dataset: `"train"`, `"train[:10%]"`.
        data_dir: The folder with the prepared datasets of TFDS.

    Returns:
        `LabelledTexts`, at least one. A number as a label becomes a string.

    Raises:
        FileNotFoundError: The file or dataset is not there.
        ValueError: A row has another number of columns than the first, no label, or one that is
            not in `class_names`; a file is damaged or not UTF-8; there are no rows. The sentence
            names file and line.

    Example:
        >>> import pathlib
        >>> _ = pathlib.Path("intents.tsv").write_text("Play on.\tplay\nThat is all.\tstop\n")
        >>> load_labelled_texts("intents.tsv").labels
        ['play', 'stop']
    """
    allowed = None if class_names is None else frozenset(class_names)
    fields = {"text": text, "label": label} | ({} if pair is None else {"pair": pair})
    examples = LabelledTexts([], [])
    for where, record in _records(source, fields, split, data_dir):
        texts = [_string(record[name], name, where) for name in ("text", "pair") if name in record]
        examples.texts.append(tuple(texts) if pair is not None else texts[0])
        examples.labels.append(_label(record["label"], label_separator, allowed, where))
    if not examples.texts:
        raise ValueError(f"{os.fspath(source)!r} has no rows: expected at least one text.")
    return examples


def _records(source, fields, split, data_dir) -> Iterator[tuple[str, dict]]:
    """Yields `(where, {"text": ..., "label": ..., ...})` from any source."""
    if isinstance(source, str) and source.startswith(_TFDS):
        for where, example in named_examples(source.removeprefix(_TFDS), split, data_dir):
            yield where, _picked(example, fields, where)
        return
    if split is not None:
        raise ValueError(f"split={split!r}: only '{_TFDS}...' has parts to name.")
    for path in find_files(source):
        if is_table(path):
            yield from _table_records(path, fields)
        elif file_format(path) == ".jsonl":
            for where, record in json_objects(read_lines(path, "strict"), path):
                yield where, _picked(record, fields, where)
        else:
            raise ValueError(
                f"{path} must be a .tsv, .csv or .jsonl file, because its name says how to read "
                "it: rename it."
            )


def _picked(record, fields, where):
    return {
        role: field_of(record, role if name is None else name, where)
        for role, name in fields.items()
    }


def _table_records(path, fields):
    rows = read_table(path)
    where, first = next(rows, (f"{path}, line 1", []))
    given = [name for name in fields.values() if name is not None]
    has_names = any(isinstance(name, str) for name in given) or {"text", "label"} <= {*first}
    has_names |= file_format(path) == ".csv" and not given
    columns = {
        role: _column(position if not has_names and name is None else name, role, first, where)
        for position, (role, name) in enumerate(fields.items())
    }
    if first and not has_names:
        yield where, {role: first[column] for role, column in columns.items()}
    for where, row in rows:
        yield where, {role: row[column] for role, column in columns.items()}


def _column(name, role, first, where):
    name = role if name is None else name
    if isinstance(name, str) and name in first:
        return first.index(name)
    if isinstance(name, int) and 0 <= name < len(first):
        return name
    raise ValueError(
        f"{where} has no column {name!r} for `{role}`; it has {len(first)} columns: "
        f"{', '.join(first)[:200] or 'none'}. Say which one is the {role}: its name or, where the "
        "first line has no names, its place counted from 0."
    )


def _string(value, name, where):
    if not isinstance(value, str):
        raise ValueError(f"{where}: {name} must be a string, got {type(value).__name__}.")
    return value


def _label(value, separator, allowed, where):
    if isinstance(value, list):
        return [_name(name, allowed, where) for name in value]
    if separator is not None and isinstance(value, str):
        return [_name(name, allowed, where) for name in value.split(separator) if name.strip()]
    return _name(value, allowed, where)


def _name(value, allowed, where):
    if not isinstance(value, (str, int)):
        raise ValueError(
            f"{where}: a label must be a string or a whole number, got {type(value).__name__}."
        )
    name = str(value).strip()
    if not name:
        raise ValueError(f"{where} has no label: write one, or take the row out.")
    if allowed is not None and name not in allowed:
        raise ValueError(
            f"{where}: the label {name!r} is not in the list of {len(allowed)} labels, which "
            f"begins with {', '.join(sorted(allowed)[:5])}."
        )
    return name


def _names(label):
    return label if isinstance(label, list) else [label]
