"""What a run says about its model, for people who did not see it."""

import shlex

# What is known of the data that come with the libraries, or with Python.
LICENCES = {
    "python_stdlib": "Python Software Foundation License (the source of Python's own library)",
    "docstring_areas": "Python Software Foundation License (docstrings of Python's own library)",
    "python_docstrings": "those of the packages that are installed, each its own",
    "digits": "CC BY 4.0 (Alpaydin and Kaynak, optical recognition of handwritten digits, UCI)",
}
UNKNOWN = "not stated. Find it out, and what it allows, before you pass the model on."
USES = {
    "GPTCausalLM": "continue texts of the kind it has read, and score how likely such texts are",
    "BertMaskedLM": "guess hidden words, and be fine-tuned for tasks on texts of the same kind",
    "BertTextClassifier": "sort texts of the same kind into the classes of its training data",
    "BertTokenClassifier": "find entities of the kinds in its training data, in such texts",
    "BertQuestionAnswerer": "find the words of a document that answer a question",
    "GAN": "draw images like those of its training data",
}
LIMITS = {
    "GPTCausalLM": "It knows nothing but its training texts, states what is false as fluently as "
    "what is true, and may repeat passages of them word by word.",
    "BertMaskedLM": "What it finds likely is what its training texts say, with their prejudices.",
    "BertTextClassifier": "It answers with one of its classes whatever the text is, also one of "
    "another language or about something else; probabilities were not calibrated.",
    "BertTokenClassifier": "It misses entities of kinds, languages and styles it has not seen.",
    "BertQuestionAnswerer": "It finds passages and does not reason; an answer may be beside the "
    "point although its score is high.",
    "GAN": "It may draw some kinds of images rarely or never, and others nearly as they were in "
    "training.",
}
COMMANDS = {
    "GPTCausalLM": 'tfzoo generate {run} "How a text begins"',
    "BertMaskedLM": 'tfzoo fill-mask {run} "A text with one [MASK] in it."',
    "BertTextClassifier": 'tfzoo classify {run} "A text."',
    "BertTokenClassifier": 'tfzoo tag {run} "A text."',
    "BertQuestionAnswerer": 'tfzoo answer {run} "A question?" --context document.txt',
    "GAN": "tfzoo sample {run} samples.png",
}
CARD = """\
# {model}

{parameters:,} parameters, trained with `tfzoo train {family}`.

```
{command}
```

## Intended use

To {use}. It was trained to show or to try something out unless whoever trained it says more here.

## Data

{data}
- licence: {licence}

## Numbers

{numbers}

The curve of the loss is `loss.png`, all epochs are in `metrics.jsonl`.

## Limits, and what was not checked

{limits}

Not checked: whether the model does well on any other data, for any group of people or topic in
particular; whether it has learned personal data or private passages by heart; whether examples of
the test part, or nearly the same ones, were in the training part as well; how much another seed
changes the numbers.

## Made with

{versions}

## Use it

```
{try_it}
tfzoo export {run} {run}-bundle
tfzoo serve {run}-bundle
```
"""


def model_card(facts: dict) -> str:
    """A page in Markdown.

    Args:
        facts: what `run.json` holds.
    """
    settings, model = facts["settings"], facts["model"]
    known = LICENCES.get(settings["data"], UNKNOWN)
    return CARD.format(
        **{name: facts[name] for name in ("model", "parameters", "family", "command")},
        use=USES[model],
        limits=LIMITS[model],
        data=_list(facts["data"]),
        licence=settings.get("licence") or known,
        numbers="\n\n".join(_numbers(facts)),
        versions=_list(facts["versions"]),
        run=shlex.quote(settings["run"]),
        try_it=COMMANDS[model].format(run=shlex.quote(settings["run"])),
    )


def _numbers(facts):
    training = {name: value for name, value in facts["training"].items() if name != "epoch"}
    validated = any(name.startswith("val_") for name in training)
    of_which = "; `val_` is the validation part" if validated else ""
    yield f"Of the last of {facts['training']['epoch']} epochs{of_which}:"
    yield _table(training)
    yield "Of the test part, which training never saw:" if facts["scores"] else "No test part."
    if facts["scores"]:
        yield _table(facts["scores"])


def _table(numbers):
    rows = [f"| {name} | {value:.4f} |" for name, value in numbers.items()]
    return "\n".join(["| number | value |", "|---|---|", *rows])


def _list(facts):
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())
