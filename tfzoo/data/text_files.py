"""Reading documents from files, one line at a time."""

import csv
import glob
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tfzoo.data.lines import file_format, read_lines
from tfzoo.data.records import field_of, json_objects

TEXT = "text"
PARAGRAPH = "paragraph"
LINE = "line"

_FOLDER_FORMATS = (".txt", ".jsonl", ".csv", ".tsv")
# The largest that the csv module takes on every system: its own default stops at 128 kB.
_MAX_CSV_FIELD = 2**31 - 1


def find_files(source: str | os.PathLike) -> list[Path]:
    """The files that a path, a folder or a glob pattern names, sorted.

    Args:
        source: A file; a folder, searched to the bottom for .txt, .jsonl, .csv and .tsv, also
            with .gz behind, without hidden ones; or a pattern with `*`, `?`, `[...]` and `**`.

    Returns:
        Paths, at least one.

    Raises:
        FileNotFoundError: Nothing is there, or nothing matches.
    """
    name = os.path.expanduser(os.fspath(source))
    if os.path.isfile(name):
        return [Path(name)]
    if os.path.isdir(name):
        return _files_below(Path(name))
    if not glob.has_magic(name):
        raise FileNotFoundError(
            f"There is no file or folder {name[:200]!r}: check the path, write 'tfds:' in front of "
            "the name of a TFDS dataset, or put text that is already in memory into a list."
        )
    matches = sorted(path for path in map(Path, glob.glob(name, recursive=True)) if path.is_file())
    if not matches:
        raise FileNotFoundError(f"No file matches the pattern {name[:200]!r}: check the path.")
    return matches


def read_file(path: Path, field: str | int, document_per: str, errors: str) -> Iterator[str]:
    """Yields the documents of one file, whose format is told by the end of its name.

    Args:
        path: .jsonl, .csv or .tsv; anything else is plain text. With .gz behind, compressed.
        field: The key of a .jsonl file; the column of a table: its name in the first line, or
            its position from 0 in a table without such a line.
        document_per: `"text"` (a file or a record), `"paragraph"` or `"line"`.
        errors: `"strict"`, `"replace"` or `"ignore"`: what to do about bytes that are not UTF-8.

    Yields:
        Documents, some of them perhaps blank.

    Raises:
        ValueError: The file is damaged, not UTF-8, or has no such field; the sentence says where.
    """
    lines = read_lines(path, errors)
    read_records = _RECORD_FORMATS.get(file_format(path))
    for record in read_records(lines, path, field) if read_records else [lines]:
        yield from divide(record, document_per)


def divide(lines: str | Iterable[str], document_per: str) -> Iterator[str]:
    """Yields one document per text, paragraph or line of a text.

    Args:
        lines: A string, or its lines with their ends.
        document_per: `"text"`, `"paragraph"` (separated by blank lines) or `"line"`.

    Yields:
        Documents; paragraphs and lines without the line end behind them.
    """
    if document_per == TEXT:
        yield lines if isinstance(lines, str) else "".join(lines)
        return
    lines = lines.split("\n") if isinstance(lines, str) else lines
    lines = (line.rstrip("\r\n") for line in lines)
    if document_per == LINE:
        yield from lines
        return
    for is_blank, paragraph in itertools.groupby(lines, key=lambda line: not line.strip()):
        if not is_blank:
            yield "\n".join(paragraph)


def _files_below(folder):
    files = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(root, name) for name in names if not name.startswith(".")]
    files = sorted(path for path in files if file_format(path) in _FOLDER_FORMATS)
    if not files:
        raise FileNotFoundError(
            f"The folder {str(folder)!r} has no {', '.join(_FOLDER_FORMATS)} file, compressed "
            "with .gz or not: name other files with a pattern such as 'folder/**/*.md'."
        )
    return files


def _jsonl_texts(lines, path, field):
    for where, record in json_objects(lines, path):
        value = field_of(record, field, where)
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ValueError(f"{where}: field {field!r} must be a string, got {kind}.")
        yield value


def _csv_texts(lines, path, field):
    csv.field_size_limit(_MAX_CSV_FIELD)
    return _column_texts(csv.reader(lines, strict=True), path, field)


def _tsv_texts(lines, path, field):
    csv.field_size_limit(_MAX_CSV_FIELD)
    # A cell holds no tab and no line end, so quotation marks in it are text.
    return _column_texts(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), path, field)


def _column_texts(rows, path, field):
    try:
        column = field if isinstance(field, int) else _column_named(field, next(rows, []), path)
        for row in filter(None, rows):
            if column >= len(row):
                raise ValueError(
                    f"{path}, line {rows.line_num} has {len(row)} columns: "
                    f"expected at least {column + 1} to read column {field!r}."
                )
            yield row[column]
    except csv.Error as error:
        raise ValueError(f"{path}, line {rows.line_num} is not a table: {error}.") from error


def _column_named(field, header, path):
    if field not in header:
        raise ValueError(
            f"{path} has no column {field!r}; its first line has {', '.join(header) or 'none'}. "
            "For a table without column names, give the position: field=0."
        )
    return header.index(field)


_RECORD_FORMATS = {".jsonl": _jsonl_texts, ".csv": _csv_texts, ".tsv": _tsv_texts}
