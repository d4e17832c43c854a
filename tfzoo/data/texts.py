"""One way to name texts, for the library, the scripts and the command line."""

import os
from collections.abc import Iterable, Iterator

from tfzoo.data.documents import Corpus, checked
from tfzoo.data.python_docstrings import python_docstrings, read_python_docstrings
from tfzoo.data.python_stdlib import python_stdlib, read_python_stdlib
from tfzoo.data.split import split as split_documents
from tfzoo.data.split import split_text
from tfzoo.data.text_files import LINE, PARAGRAPH, TEXT, divide, find_files, read_file
from tfzoo.data.tfds_source import tfds_splits
from tfzoo.data.tfds_texts import tfds_texts

# The built-in corpora: how to read the whole of each, and its parts.
_BUILT_IN = {
    "python_stdlib": (read_python_stdlib, python_stdlib),
    "python_docstrings": (read_python_docstrings, python_docstrings),
}
_TFDS = "tfds:"
_CHOICES = {"document_per": (TEXT, PARAGRAPH, LINE), "errors": ("strict", "replace", "ignore")}


def load_texts(
    source: str | os.PathLike | Iterable[str],
    *,
    field: str | int = "text",
    document_per: str = TEXT,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
    errors: str = "strict",
) -> list[str]:
    r"""Reads documents from wherever they are into a list.

    Blank documents are left out; files come in the order of their paths.

    Args:
        source: One of

            - a file: `.jsonl`, `.csv` or `.tsv`, or plain text under any other name; with `.gz`
              behind, compressed. Always UTF-8.
            - a folder, searched to the bottom for `.txt`, `.jsonl`, `.csv` and `.tsv` files.
            - a pattern with `*`, `?`, `[...]` or `**`: `"notes/**/*.md"`.
            - `"tfds:name"` or `"tfds:name/config"`: a dataset prepared by TensorFlow Datasets.
              Nothing is downloaded.
            - `"python_stdlib"` or `"python_docstrings"`: the built-in corpora, see the functions of
              these names.
            - an iterable of Python strings.
        field: Where the text is in a record: the key in `.jsonl`, the feature in TFDS, the column
            in `.csv` and `.tsv`, named in the first line or, in a table without names, counted
            from 0. In a `.csv` quotation marks quote; in a `.tsv` they are text.
        document_per: `"text"`: a file, record or string is one document. `"paragraph"`: it is
            divided at blank lines. `"line"`: at every line end.
        split: A part of the source, where it has parts of its own: `"train"`, `"validation"` or
            `"test"`, for TFDS also slices such as `"train[:10%]"`. None for all of it.
        data_dir: The folder with the prepared datasets of TFDS.
        errors: `"strict"` stops at bytes that are not UTF-8; `"replace"` puts U+FFFD in their
            place; `"ignore"` leaves them out.

    Returns:
        A list of at least one string.

    Raises:
        FileNotFoundError: The file, folder or dataset is not there, or nothing matches.
        TypeError: `source` is none of the above.
        ValueError: A file is damaged or not UTF-8, a field or split is missing, an argument is
            not one of its values, or there is no text at all.

    Example:
        >>> load_texts(["To be,\nor not.\n\nThe question."], document_per="paragraph")
        ['To be,\nor not.', 'The question.']
    """
    return list(
        iterate_texts(
            source,
            field=field,
            document_per=document_per,
            split=split,
            data_dir=data_dir,
            errors=errors,
        )
    )


def iterate_texts(
    source: str | os.PathLike | Iterable[str],
    *,
    field: str | int = "text",
    document_per: str = TEXT,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
    errors: str = "strict",
) -> Iterator[str]:
    r"""Reads documents one at a time, for a corpus that is larger than the memory.

    Args:
        source: See `load_texts`, as for the other arguments.
        field: Where the text is in a record.
        document_per: `"text"`, `"paragraph"` or `"line"`.
        split: A part of the source, where it has parts of its own.
        data_dir: The folder with the prepared datasets of TFDS.
        errors: `"strict"`, `"replace"` or `"ignore"`.

    Returns:
        An iterator over what `load_texts` returns. With `document_per="line"` or `"paragraph"` it
        holds no more than one of them at a time. It raises what `load_texts` raises, some of it
        only when it comes to the place.

    Example:
        >>> next(iterate_texts(["To be,\nor not."], document_per="line"))
        'To be,'
    """
    if not isinstance(field, str) and not (isinstance(field, int) and field >= 0):
        raise ValueError(f"field must be a name or a column counted from 0, got {field!r}.")
    for name, value in {"document_per": document_per, "errors": errors}.items():
        if value not in _CHOICES[name]:
            choices = ", ".join(map(repr, _CHOICES[name]))
            raise ValueError(f"{name} must be one of {choices}, got {value!r}.")
    if isinstance(source, str) and source.startswith(_TFDS):
        texts = tfds_texts(source.removeprefix(_TFDS), split, field, data_dir, errors)
    elif isinstance(source, str) and source in _BUILT_IN:
        texts = _built_in_texts(source, split)
    elif split is not None:
        raise ValueError(
            f"split={split!r}: only {', '.join(map(repr, _BUILT_IN))} and "
            f"'{_TFDS}...' have parts to name."
        )
    elif isinstance(source, (str, os.PathLike)):
        files = find_files(source)
        return _not_blank(
            (text for file in files for text in read_file(file, field, document_per, errors)),
            source,
        )
    else:
        texts = checked(source)
    return _not_blank((text for whole in texts for text in divide(whole, document_per)), source)


def load_corpus(
    source: str | os.PathLike | Iterable[str],
    *,
    validation: float = 0.05,
    test: float = 0.05,
    seed: int = 0,
    **reading,
) -> Corpus:
    """Reads documents from wherever they are, in training, validation and test parts.

    The parts that a TFDS dataset has of its own stay what they are; one that is missing comes out
    of its training part. Any other source is split by document with `split`, or, where it is one
    single document, by position with `split_text`.

    Args:
        source: See `load_texts`.
        validation: Share for validation, in [0, 1).
        test: Share for testing, in [0, 1). The two sum to less than 1.
        seed: Integer. Another seed is another split.
        **reading: `field`, `document_per`, `split`, `data_dir` and `errors`, see `load_texts`. With
            `split`, that part alone is what is split.

    Returns:
        A `Corpus`.

    Raises:
        Exception: What `load_texts` and `split` raise.

    Example:
        >>> corpus = load_corpus([f"document {i}" for i in range(1000)], validation=0.1, test=0)
        >>> len(corpus.train), len(corpus.validation), len(corpus.test)
        (900, 100, 0)
    """
    own = _own_parts(source, reading)
    if "train" not in own:
        return _divide_corpus(load_texts(source, **reading), validation, test, seed)
    missing = {"validation": validation, "test": test}
    missing |= dict.fromkeys(own.keys() & missing.keys(), 0.0)
    return _divide_corpus(own.pop("train"), **missing, seed=seed)._replace(**own)


def _own_parts(source, reading):
    is_tfds = isinstance(source, str) and source.startswith(_TFDS)
    if not is_tfds or reading.get("split") is not None:
        return {}
    reading = {name: value for name, value in reading.items() if name != "split"}
    splits = tfds_splits(source.removeprefix(_TFDS), reading.get("data_dir"))
    parts = [name for name in Corpus._fields if name in splits]
    return {name: load_texts(source, split=name, **reading) for name in parts}


def _divide_corpus(documents, validation, test, seed):
    if len(documents) == 1:
        return split_text(documents[0], validation, test)
    return split_documents(documents, validation, test, seed)


def _built_in_texts(source, split):
    read, parts = _BUILT_IN[source]
    if split is None:
        return read()
    if split not in Corpus._fields:
        raise ValueError(f"split must be one of {', '.join(Corpus._fields)}, got {split!r}.")
    return getattr(parts(), split)


def _not_blank(texts, source):
    is_empty = True
    for text in texts:
        if text.strip():
            is_empty = False
            yield text
    if is_empty:
        name = repr(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else "source"
        raise ValueError(f"{name} holds no text: expected at least one document that is not blank.")
