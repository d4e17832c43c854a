"""Sentences as words with BIO tags: CoNLL files, JSON lines and TensorFlow Datasets.

A tag is `O`, `B-name` for the first word of an entity, or `I-name` for its next words (Ramshaw and
Marcus 1995; Tjong Kim Sang and De Meulder 2003 for the files).
"""

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tfzoo.data.lines import file_format, read_lines
from tfzoo.data.records import field_of, json_objects
from tfzoo.data.text_files import find_files
from tfzoo.data.tfds_texts import named_examples

_TFDS = "tfds:"
_TAG = re.compile(r"O|[BI]-.+")


class TaggedWords(NamedTuple):
    """Sentences as words with tags: `model.fit(*sentences)`.

    Attributes:
        words: N lists of words.
        tags: N lists of as many tags.

    Example:
        >>> sentences = TaggedWords([["Ann", "sang"]], [["B-singer", "O"]])
        >>> sentences.entity_names
        ['singer']
    """

    words: list[list[str]]
    tags: list[list[str]]

    @property
    def entity_names(self) -> list[str]:
        """The different names behind `B-` and `I-`, sorted."""
        return sorted({tag[2:] for tags in self.tags for tag in tags if tag != "O"})


def load_tagged_words(
    source: str | os.PathLike,
    *,
    words: str | int | None = None,
    tags: str | int | None = None,
    entity_names: Sequence[str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
) -> TaggedWords:
    r"""Reads sentences of words with BIO tags, all of them or none.

    Args:
        source: A file of lines with a word and its tag, in columns separated by tabs or spaces,
            with a blank line behind each sentence (CoNLL, any ending); a `.jsonl` file with a list
            of words and a list of tags in each line; a folder or a pattern of such files; or
            `"tfds:name"`, a dataset prepared by TensorFlow Datasets. Files are UTF-8, with `.gz`
            behind compressed.
        words: Where the words are: the column counted from 0, or the key. None means the first
            column, or "words".
        tags: Where the tags are. None means the last column, or "tags".
        entity_names: The names behind `B-` and `I-` that may occur; None allows all.
        split: A part of a TFDS dataset: `"train"`, `"train[:10%]"`.
        data_dir: The folder with the prepared datasets of TFDS.

    Returns:
        `TaggedWords`, at least one sentence.

    Raises:
        FileNotFoundError: The file or dataset is not there.
        ValueError: A line has another number of columns than the first, words and tags differ in
            number, a tag is not BIO or not in `entity_names`; a file is damaged or not UTF-8; there
            is no sentence. The sentence names file and line.

    Example:
        >>> import pathlib
        >>> _ = pathlib.Path("slots.conll").write_text("Ann B-singer\nLee I-singer\nsang O\n")
        >>> load_tagged_words("slots.conll").tags
        [['B-singer', 'I-singer', 'O']]
    """
    allowed = None if entity_names is None else frozenset(entity_names)
    sentences = TaggedWords([], [])
    for words_here, tags_here, places in _sentences(source, words, tags, split, data_dir):
        for tag, where in zip(tags_here, places, strict=True):
            _check_tag(tag, allowed, where)
        sentences.words.append(words_here)
        sentences.tags.append(tags_here)
    if not sentences.words:
        raise ValueError(f"{os.fspath(source)!r} has no sentence: expected lines of word and tag.")
    return sentences


def _sentences(source, words, tags, split, data_dir) -> Iterator[tuple[list, list, list]]:
    """Yields words, tags, and where each of the tags stands."""
    if isinstance(source, str) and source.startswith(_TFDS):
        for where, example in named_examples(source.removeprefix(_TFDS), split, data_dir):
            yield _checked_lists(example, words, tags, where)
        return
    if split is not None:
        raise ValueError(f"split={split!r}: only '{_TFDS}...' has parts to name.")
    for path in find_files(source):
        if file_format(path) == ".jsonl":
            for where, record in json_objects(read_lines(path, "strict"), path):
                yield _checked_lists(record, words, tags, where)
        else:
            yield from _conll_sentences(path, 0 if words is None else words, tags)


def _conll_sentences(path, word_column, tag_column):
    tag_column = -1 if tag_column is None else tag_column
    rows, width = [], None
    for number, line in enumerate(read_lines(path, "strict"), start=1):
        cells = _cells(line)
        if not cells or cells[0] == "-DOCSTART-":
            if rows:
                yield tuple(map(list, zip(*rows, strict=True)))
            rows = []
            continue
        where = f"{path}, line {number}"
        if width is None:
            width = max(2, len(cells))
            _require_columns(width, words=word_column, tags=tag_column)
        if len(cells) != width:
            raise ValueError(
                f"{where} has {len(cells)} columns: expected {width}, a word and its tag among "
                "them, as in the first line."
            )
        rows.append((cells[word_column], cells[tag_column], where))
    if rows:
        yield tuple(map(list, zip(*rows, strict=True)))


def _require_columns(width, **columns):
    for name, column in columns.items():
        if not isinstance(column, int) or not -width <= column < width:
            raise ValueError(
                f"`{name}` must be an int, the place of a column from 0 to {width - 1}; received "
                f"{column!r}."
            )


def _cells(line):
    line = line.rstrip("\r\n")
    return line.split("\t") if "\t" in line else line.split()


def _checked_lists(record, words, tags, where):
    words = field_of(record, "words" if words is None else words, where)
    tags = field_of(record, "tags" if tags is None else tags, where)
    for name, value in {"words": words, "tags": tags}.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{where}: {name} must be a list of strings.")
    if len(words) != len(tags):
        raise ValueError(
            f"{where} has {len(words)} words and {len(tags)} tags: expected one tag for each word."
        )
    return words, tags, [where] * len(tags)


def _check_tag(tag, allowed, where):
    if not _TAG.fullmatch(tag):
        raise ValueError(f"{where}: the tag must be O, B-name or I-name, got {tag!r}.")
    if allowed is not None and tag != "O" and tag[2:] not in allowed:
        raise ValueError(
            f"{where}: the label {tag[2:]!r} is not in the list of {len(allowed)} labels, which "
            f"begins with {', '.join(sorted(allowed)[:5])}."
        )
