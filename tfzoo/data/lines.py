"""Lines of UTF-8 files, compressed or not."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path


def file_format(path: Path) -> str:
    """The end of a file's name, in lower case and without `.gz`: `".csv"`."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def read_lines(path: Path, errors: str) -> Iterator[str]:
    """Yields the lines of a UTF-8 file with their ends, or says what is wrong where."""
    offset = 0
    try:
        with (gzip.open if path.name.lower().endswith(".gz") else open)(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                yield _decode(line, f"{path}, line {number},", offset, errors)
                offset += len(line)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is not a whole gzip file: {error}. Fetch it or compress it again."
        ) from error


def _decode(line, where, offset, errors):
    try:
        text = line.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{where} is not UTF-8 at byte {offset + error.start} (value "
            f"0x{line[error.start]:02x}): save it as UTF-8, or read it with errors='replace'."
        ) from error
    if offset == 0:
        text = text.removeprefix("\ufeff")
    return text[:-2] + "\n" if text.endswith("\r\n") else text
