"""Cleaning as a row of steps, with an account of what each of them did."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tfzoo.data.cleaning_steps import (
    DropExactDuplicates,
    DropShort,
    NormalizeUnicode,
    RemoveControlCharacters,
)
from tfzoo.data.documents import checked
from tfzoo.data.near_duplicates import DropNearDuplicates

CleaningStep = Callable[[list[str]], list[str | None]]

DEFAULT_STEPS: tuple[CleaningStep, ...] = (
    NormalizeUnicode(),
    RemoveControlCharacters(),
    DropShort(),
    DropExactDuplicates(),
    DropNearDuplicates(),
)


@dataclass(frozen=True)
class StepReport:
    """What one step did: the documents it was given, removed, and changed."""

    step: str
    documents: int
    removed: int
    changed: int


@dataclass(frozen=True)
class CleaningReport:
    """What each step of `clean` did, in order. It prints as a table."""

    steps: tuple[StepReport, ...]

    def __repr__(self) -> str:
        width = max([len("step"), *(len(row.step) for row in self.steps)])
        titles = f"{'step':{width}}  {'documents':>9}  {'removed':>9}  {'changed':>9}"
        rows = (
            f"{row.step:{width}}  {row.documents:>9,}  {row.removed:>9,}  {row.changed:>9,}"
            for row in self.steps
        )
        return "\n".join([titles, *rows])


def clean(
    documents: Iterable[str], steps: Sequence[CleaningStep] = DEFAULT_STEPS
) -> tuple[list[str], CleaningReport]:
    """Cleans documents, one step after the other.

    Args:
        documents: Iterable of strings.
        steps: Callables that take the list of documents and return one entry for each of them, in
            order: its text, changed or not, or None to drop it. The default normalizes Unicode,
            removes control characters, and drops empty documents, duplicates and
            near-duplicates. `MaskPersonalData()` is not among them.

    Returns:
        The documents that are left, and a `CleaningReport`.

    Raises:
        TypeError: `documents` is not an iterable of strings, or a step is a class or no callable.
        ValueError: A step did not return one entry for each document.

    Example:
        >>> kept, report = clean(["a tale", " ", "a tale", "a poem"])
        >>> kept
        ['a tale', 'a poem']
        >>> report.steps[2]
        StepReport(step='DropShort(min_characters=1)', documents=4, removed=1, changed=0)
    """
    documents = list(checked(documents))
    reports = []
    for step in steps:
        results = _apply(step, documents)
        pairs = list(zip(documents, results, strict=True))
        removed = sum(after is None for _, after in pairs)
        changed = sum(after is not None and after != before for before, after in pairs)
        name = getattr(step, "__name__", repr(step))
        reports.append(StepReport(name, len(documents), removed, changed))
        documents = [after for after in results if after is not None]
    return documents, CleaningReport(tuple(reports))


def _apply(step, documents):
    if isinstance(step, type) or not callable(step):
        raise TypeError(
            "steps must be callables such as DropShort(), "
            f"got {step!r}: a class needs its parentheses."
        )
    results = list(step(documents))
    if len(results) != len(documents):
        raise ValueError(
            f"The step {step!r} returned {len(results)} entries for {len(documents)} documents: "
            "expected one for each, None for those to drop."
        )
    return results
