"""Records of tables and JSON lines, each with the place where it stands, for sentences."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tfzoo.data.lines import file_format, read_lines

# The largest that the csv module takes on every system: its own default stops at 128 kB.
_MAX_CSV_FIELD = 2**31 - 1


def is_table(path: Path) -> bool:
    """Whether the name of a file says that it is a table."""
    return file_format(path) in (".csv", ".tsv")


def read_table(path: Path, errors: str = "strict") -> Iterator[tuple[str, list[str]]]:
    """Yields the rows of a .csv or .tsv file that are not empty.

    Args:
        path: In a .csv quotation marks quote; in a .tsv they are text. With .gz behind, compressed.
        errors: `"strict"`, `"replace"` or `"ignore"`: what to do about bytes that are not UTF-8.

    Yields:
        `(where, cells)`: file and line, and as many cells as the first row has.

    Raises:
        ValueError: The file is damaged, not UTF-8, or a row has another number of columns.
    """
    csv.field_size_limit(_MAX_CSV_FIELD)
    lines = read_lines(path, errors)
    if file_format(path) == ".tsv":
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(lines, strict=True)
    width = None
    try:
        for row in filter(None, rows):
            where = f"{path}, line {rows.line_num}"
            width = width or len(row)
            if len(row) != width:
                raise ValueError(
                    f"{where} has {len(row)} columns: expected {width}, as in the first line."
                )
            yield where, row
    except csv.Error as error:
        raise ValueError(f"{path}, line {rows.line_num} is not a table: {error}.") from error


def json_objects(lines: Iterable[str], path: Path) -> Iterator[tuple[str, dict]]:
    """Yields the objects of a .jsonl file.

    Args:
        lines: One JSON object in each; blank ones are left out.
        path: Where the lines are from.

    Yields:
        `(where, record)`: file and line, and the object.

    Raises:
        ValueError: A line is not a JSON object.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line.rstrip())
        except json.JSONDecodeError as error:
            raise ValueError(f"{where} is not JSON: {error.msg}, column {error.colno}.") from error
        if not isinstance(record, dict):
            raise ValueError(f"{where}: expected a JSON object, got {type(record).__name__}.")
        yield where, record


def field_of(record: dict, name: str, where: str):
    """Returns `record[name]`, or says which fields there are."""
    if name not in record:
        raise ValueError(f"{where} has no field {name!r}; it has {', '.join(map(str, record))}.")
    return record[name]
