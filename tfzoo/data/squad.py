"""Questions with answers in a text: SQuAD's JSON files, and the data sets of TFDS in its form."""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tfzoo.data.tfds_texts import stored_examples

_TFDS = "tfds:"


class Answer(NamedTuple):
    """Words of a context, and where they are.

    Args:
        text: the words, exactly as in the context.
        start: number of characters (Unicode code points) of the context in front of them.
    """

    text: str
    start: int


@dataclasses.dataclass(frozen=True)
class QuestionAnswerExample:
    """One question about one context. What exists is consistent: answers are where they say.

    Args:
        question: the question.
        context: the text that holds the answer.
        answers: `Answer`s or `(text, start)` pairs, all of them right; empty if the context does
            not answer the question. Training learns the first, evaluation takes the best.
        id: the name of the question.

    Raises:
        TypeError: a text is not a string.
        ValueError: an answer is empty or is not in the context at its place.

    Example:
        >>> example = QuestionAnswerExample("Who sang?", "Then Ann sang.", [("Ann", 5)])
        >>> example.answers[0].text, example.is_impossible
        ('Ann', False)
    """

    question: str
    context: str
    answers: tuple[Answer, ...] = ()
    id: str = ""

    def __post_init__(self):
        for name in ("question", "context"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise TypeError(f"`{name}` must be a string; received {type(value).__name__}.")
        answers = tuple(map(self._checked, self.answers))
        object.__setattr__(self, "answers", answers)

    def _checked(self, answer):
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise TypeError(
                f"An answer must be a pair `(text, start)`; received {answer!r:.80} in `answers`."
            )
        answer = Answer(*answer)
        if not isinstance(answer.text, str) or not isinstance(answer.start, int):
            raise TypeError(
                "An answer must be a string and a whole number of characters; received "
                f"{answer.text!r:.80} and {answer.start!r:.80}."
            )
        found = self.context[max(answer.start, 0) :][: len(answer.text)]
        if answer.start < 0 or not answer.text or found != answer.text:
            raise ValueError(
                f"The answer {answer.text!r:.80} must be in the context at character "
                f"{answer.start}; received a context with {found!r:.80} there. Offsets count "
                "characters, not bytes."
            )
        return answer

    @property
    def is_impossible(self) -> bool:
        """Whether the context does not answer the question."""
        return not self.answers


def load_squad(
    source: str | os.PathLike,
    *,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
) -> list[QuestionAnswerExample]:
    """Reads questions, contexts and answers, all of them or none.

    Args:
        source: a JSON file in the form of SQuAD 1.1 or 2.0, or `"tfds:name"`, a prepared data set
            in its form, such as `"tfds:xquad/en"`. Nothing is downloaded.
        split: for TFDS, a part of the data set, such as `"test"` or `"test[:10%]"`.
        data_dir: for TFDS, the folder with the prepared data sets.

    Returns:
        Examples in the order of the source. A question that SQuAD 2.0 marks as impossible has no
        answers: its `plausible_answers` are wrong ones.

    Raises:
        FileNotFoundError: the file or data set is not there.
        ValueError: the file is broken, or an example is; the sentence says which.

    Source: Rajpurkar et al. 2016, "SQuAD", and Rajpurkar et al. 2018, "Know What You Don't Know".
    """
    if isinstance(source, str) and source.startswith(_TFDS):
        return list(_tfds_examples(source.removeprefix(_TFDS), split, data_dir))
    if split is not None:
        raise ValueError(f"`split` must be None for a file; received {split!r}: a file is whole.")
    path = Path(source)
    examples = list(_examples(_read_json(path), path))
    if not examples:
        raise ValueError(f"{path} must hold at least one question; it has none.")
    return examples


def _read_json(path):
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {path}: check the path.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 at byte {error.start}: save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is not JSON at line {error.lineno}, column {error.colno}: {error.msg}. Fetch "
            "it again; nothing of it was used."
        ) from error


def _examples(document: Any, path: Path) -> Iterator[QuestionAnswerExample]:
    for article, where in _items(document, "data", str(path)):
        for paragraph, where_paragraph in _items(article, "paragraphs", where):
            context = _get(paragraph, "context", str, where_paragraph)
            for question, where_question in _items(paragraph, "qas", where_paragraph):
                yield _example(question, context, where_question)


def _example(question, context, where):
    pairs = []
    impossible = question.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise ValueError(f"{where}: `is_impossible` must be true or false; it is {impossible!r}.")
    if not impossible:
        for answer, place in _items(question, "answers", where):
            pairs.append(
                (_get(answer, "text", str, place), _get(answer, "answer_start", int, place))
            )
    text = _get(question, "question", str, where)
    return _checked(text, context, pairs, str(question.get("id", "")), where)


def _checked(question, context, answers, name, where):
    try:
        return QuestionAnswerExample(question, context, answers, name)
    except ValueError as error:
        raise ValueError(f"{where} (id {name!r:.80}): {error}") from error


def _items(parent: Any, key: str, where: str) -> Iterable[tuple[dict, str]]:
    """The objects in the list `parent[key]`, each with the path that leads to it."""
    for number, item in enumerate(_get(parent, key, list, where)):
        place = f"{where}{'.' if where.endswith(']') else ': '}{key}[{number}]"
        if not isinstance(item, dict):
            raise ValueError(f"{place} must be an object; received {type(item).__name__}.")
        yield item, place


def _get(parent, key, kind, where):
    if not isinstance(parent, dict) or key not in parent:
        has = ", ".join(map(repr, parent)) if isinstance(parent, dict) else type(parent).__name__
        raise ValueError(f"{where} must have the key {key!r}, as SQuAD's JSON has; it has {has}.")
    value = parent[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(
            f"{where}, {key!r} must be {_KINDS[kind]}; received {type(value).__name__}."
        )
    return value


_KINDS = {str: "a string", int: "a whole number", list: "a list"}


def _tfds_examples(name, split, data_dir):
    for number, example in enumerate(stored_examples(name, split, data_dir)):
        where = f"tfds:{name}, example {number}"
        missing = [key for key in ("question", "context", "answers") if key not in example]
        if missing:
            raise ValueError(
                f"{where} must have the feature {missing[0]!r}, as SQuAD has; it has "
                f"{', '.join(map(repr, example))}."
            )
        answers = example["answers"]
        pairs = zip(answers["text"], answers["answer_start"], strict=True)
        pairs = [] if example.get("is_impossible", False) else pairs
        yield _checked(
            example["question"].decode(),
            example["context"].decode(),
            [(text.decode(), int(start)) for text, start in pairs],
            example.get("id", b"").decode(),
            where,
        )
