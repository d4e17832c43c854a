"""`tfzoo classify`, `tag`, `answer`, `fill-mask` and `embed`: a BERT from a folder reads texts."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

Preset = Annotated[Path, typer.Argument(help="Folder of the model.")]
Texts = Annotated[
    list[str], typer.Argument(help="Texts; a single - takes each line of the standard input.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON for each text.")]
TopK = Annotated[int, typer.Option(min=1, help="How many, the most probable first.")]


def classify(preset: Preset, texts: Texts, top_k: TopK = 3, as_json: AsJson = False) -> None:
    """Say which class each text belongs to: probability and name."""
    # TensorFlow takes seconds to import: only who reads waits for it.
    from tfzoo.models import BertTextClassifier

    model, texts = _load(BertTextClassifier, preset), _lines(texts)
    found = model.classify(texts, top_k=min(top_k, len(model.class_names)))
    for text, classes in zip(texts, found, strict=True):
        _say(as_json, text, classes=classes)


def tag(preset: Preset, texts: Texts, as_json: AsJson = False) -> None:
    """Find the entities of each text: name, words, first and last character, score."""
    from tfzoo.models import BertTokenClassifier

    texts = _lines(texts)
    found = _load(BertTokenClassifier, preset).tag(texts)
    for text, entities in zip(texts, found, strict=True):
        _say(as_json, text, entities=entities)


def answer(
    preset: Preset,
    questions: Texts,
    context: Annotated[Path, typer.Option(help="Text file that holds the answers.")],
    as_json: AsJson = False,
) -> None:
    """Answer questions out of a text file of any length: words, first and last character, score."""
    from tfzoo.models import BertQuestionAnswerer

    questions = _lines(questions)
    document = _document(context)
    found = _load(BertQuestionAnswerer, preset).answer(questions, document)
    for question, answer in zip(questions, found, strict=True):
        _say(as_json, question, answers=[answer])


def fill_mask(preset: Preset, texts: Texts, top_k: TopK = 5, as_json: AsJson = False) -> None:
    """Guess the hidden words of each text: token, probability, and the text with it."""
    from tfzoo.models import BertMaskedLM

    texts = _lines(texts)
    found = _load(BertMaskedLM, preset).fill_mask(texts, top_k=top_k)
    for text, masks in zip(texts, found, strict=True):
        # With one mask its fillings alone, with several a list of fillings for each.
        for fillings in masks if isinstance(masks[0], list) else [masks]:
            _say(as_json, text, fillings=fillings)


def embed(preset: Preset, texts: Texts) -> None:
    """Turn each text into a unit vector, as a line of JSON."""
    from tfzoo.models import BertTextEmbedder

    texts = _lines(texts)
    for text, vector in zip(texts, BertTextEmbedder.from_preset(preset).embed(texts), strict=True):
        print(json.dumps({"text": text, "vector": vector.tolist()}, ensure_ascii=False))


def _load(cls, folder):
    """The task that a folder holds, head and all: a new head would say anything."""
    from tfzoo.checkpoints import read_preset
    from tfzoo.models import Task

    if read_preset(folder).task is None:
        held = "a network without the head of a task"
    else:
        task = Task.from_preset(folder)
        if isinstance(task, cls):
            return task
        held = f"a {type(task).__name__}"
    raise ValueError(
        f"`preset` must hold a {cls.__name__}; received {folder}, which holds {held}. "
        "`tfzoo list` says how each is trained."
    )


def _document(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"`context` must be a file of UTF-8 text; in {path} {error}.") from error


def _lines(texts):
    texts = sys.stdin.read().splitlines() if texts == ["-"] else texts
    if not texts:
        raise ValueError("The standard input must have at least one line; received none.")
    return texts


def _say(as_json, text, **found):
    ((name, rows),) = found.items()
    if as_json:
        rows = [row._asdict() for row in rows]
        print(json.dumps({"text": text, name: rows}, ensure_ascii=False))
        return
    print(text)
    for row in rows:
        cells = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row)
        print("  " + "  ".join(cells))
