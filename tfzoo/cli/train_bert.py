"""`tfzoo train bert`: pretraining on texts, or a task on labelled examples."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from tfzoo.cli import train_options as options
from tfzoo.cli.run_folder import RunFolder
from tfzoo.cli.sizes import size_of
from tfzoo.cli.sources import check, columns_of, hold_out, read
from tfzoo.cli.train_gpt import counts

FROM_NOTHING, FINE_TUNING = 0.02, 2e-4  # peak learning rates, of Muon and of AdamW


class BertTask(enum.StrEnum):
    """What a BERT is trained for."""

    PRETRAIN = "pretrain"
    CLASSIFY = "classify"
    TAG = "tag"
    ANSWER = "answer"


SERVES = {
    BertTask.PRETRAIN: "masked_lm",
    BertTask.CLASSIFY: "classification",
    BertTask.TAG: "tokens",
    BertTask.ANSWER: "answers",
}


def bert(
    context: typer.Context,
    data: options.Data,
    run: options.Run,
    task: Annotated[
        BertTask, typer.Option(help="pretrain takes texts, the others labelled examples.")
    ] = BertTask.PRETRAIN,
    preset: Annotated[
        Path | None, typer.Option(help="Folder of a BERT to begin with; else from nothing.")
    ] = None,
    size: Annotated[str, typer.Option(help="tiny, mini, ...: see `tfzoo list`.")] = "tiny",
    vocabulary_size: Annotated[int, typer.Option(min=32, help="Tokens to learn.")] = 8192,
    length: Annotated[int, typer.Option(min=8, help="Tokens of a row.")] = 128,
    text: options.Text = None,
    label: options.Label = None,
    pair: options.Pair = None,
    validation: Annotated[str | None, typer.Option(help="Examples for it, named as data.")] = None,
    test: Annotated[str | None, typer.Option(help="Examples for it, named as data.")] = None,
    epochs: options.Epochs = 3,
    steps: options.Steps = None,
    checkpoint_steps: options.CheckpointSteps = options.CHECKPOINT_STEPS,
    batch_size: options.BatchSize = 32,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=options.LEAST_RATE, help="Peak; 0.02 of Muon to pretrain, else 2e-4 of AdamW."
        ),
    ] = None,
    dtype: options.Dtype = options.AUTO,
    seed: options.Seed = 0,
    held_out: options.HeldOut = 0.05,
    profile: options.Profile = False,
    data_dir: options.DataDir = None,
    licence: options.Licence = None,
) -> None:
    """Train a BERT: to guess hidden words, to classify, to tag, or to answer."""
    # TensorFlow takes seconds to import: only who trains waits for it.
    import keras

    from tfzoo import optimizers
    from tfzoo.checkpoints import read_preset

    form = size_of("BERT", size) | {"max_sequence_length": length, "dtype": dtype}
    check(SERVES[task], data)
    if preset:
        read_preset(preset)  # whether there is one
    columns = columns_of(SERVES[task], text=text, label=label, pair=pair)
    folder = RunFolder(run, "bert", context.params)
    folder.end_if_finished()
    parts, head, facts = divide(task, data, validation, test, held_out, data_dir, columns)
    keras.utils.set_random_seed(seed)
    if preset:
        model = from_preset(task, preset, head, length, dtype)
    else:
        model = from_nothing(task, folder, parts[0], head, vocabulary_size, form)
    if task is BertTask.PRETRAIN:
        schedule = optimizers.WarmupCosine(learning_rate or FROM_NOTHING)
        model.compile(optimizers.MuonAdamW(schedule))
    else:
        model.compile(optimizers.fine_tuning_adamw(learning_rate or FINE_TUNING))
    examples, held, unseen = parts
    folder.fit(
        model,
        examples,
        validation_data=(held if len(held) > 1 else held[0]) if held else None,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        profile=profile,
    )
    scores = model.evaluate(*unseen, return_dict=True, verbose=0) if unseen else {}
    folder.finish(model, {"source": data, **facts}, scores)


def divide(task, data, validation, test, share, data_dir, columns):
    """Training, validation and test examples, the last two perhaps None; names; what to say."""
    from tfzoo.data import load_corpus

    serves = SERVES[task]
    if task is BertTask.PRETRAIN:
        shares = {"validation": 0 if validation else share, "test": 0 if test else share}
        corpus = load_corpus(data, **shares, data_dir=data_dir)
        parts, head, facts = [(part,) for part in corpus], {}, counts(corpus)
    else:
        examples = read(serves, data, None, data_dir, columns)
        parts, head, facts = hold_out(examples, 0 if validation or test else share), {}, {}
        head = head_of(task, examples)
    for place, source in ((1, validation), (2, test)):
        if source:
            names = head.get("class_names") or head.get("entity_names")
            parts[place] = read(serves, source, names, data_dir, columns)
    parts = [part if len(part[0]) else None for part in parts]
    sizes = {
        name: f"{len(part[0]):,} examples"
        for name, part in zip(("train", "validation", "test"), parts, strict=True)
        if part
    }
    return parts, head, {**sizes, **facts}


def head_of(task, examples):
    """What a new head has to know of the examples: arguments of the task's constructor."""
    from tfzoo.data import LabelledTexts, TaggedWords

    if task is BertTask.CLASSIFY:
        several = any(not isinstance(label, str) for label in examples[1])
        names = LabelledTexts(*examples).class_names
        if len(names) < 2 and not several:
            raise ValueError(
                f"`data` must have examples of two classes or more; received {names[0]} alone."
            )
        return {"class_names": names, "multi_label": several}
    if task is BertTask.TAG:
        return {"entity_names": TaggedWords(*examples).entity_names}
    return {}


def texts_of(task, examples):
    """What a vocabulary is learned from."""
    if task is BertTask.ANSWER:
        contexts = dict.fromkeys(example.context for example in examples[0])
        return [*contexts, *(example.question for example in examples[0])]
    if task is BertTask.TAG:
        return [" ".join(words) for words in examples[0]]
    return [text for one in examples[0] for text in ([one] if isinstance(one, str) else one)]


def from_preset(task, preset, head, length, dtype):
    """The task with the network and the vocabulary of another."""
    from tfzoo import models, preprocessing

    if task is BertTask.PRETRAIN:
        return models.BertMaskedLM.from_preset(preset, dtype=dtype)
    if task is BertTask.ANSWER:
        backbone = models.BertBackbone.from_preset(preset, dtype=dtype)
        tokenizer = preprocessing.WordPieceTokenizer.load(preset)
        return models.BertQuestionAnswerer(backbone, reader(tokenizer, length))
    cls = models.BertTextClassifier if task is BertTask.CLASSIFY else models.BertTokenClassifier
    return cls.from_preset(preset, **head, dtype=dtype, sequence_length=length)


def from_nothing(task, folder, examples, head, vocabulary_size, form):
    """The task with a new network, and a vocabulary out of its examples."""
    from tfzoo import models, preprocessing

    texts, length = texts_of(task, examples), form["max_sequence_length"]
    tokenizer = folder.tokenizer(preprocessing.WordPieceTokenizer, texts, vocabulary_size)
    backbone = models.BertBackbone(tokenizer.vocabulary_size, **form)
    cls, preprocessor = {
        BertTask.PRETRAIN: (
            models.BertMaskedLM,
            lambda: preprocessing.MaskedLMPreprocessor(tokenizer, length, masking="words"),
        ),
        BertTask.CLASSIFY: (
            models.BertTextClassifier,
            lambda: preprocessing.TextClassifierPreprocessor(tokenizer, length),
        ),
        BertTask.TAG: (
            models.BertTokenClassifier,
            lambda: preprocessing.TokenClassifierPreprocessor(tokenizer, length),
        ),
        BertTask.ANSWER: (models.BertQuestionAnswerer, lambda: reader(tokenizer, length)),
    }[task]
    return cls(backbone, preprocessor(), **head)


def reader(tokenizer, length):
    """Rows for answers: a document of any length is read in windows that overlap by a third."""
    from tfzoo import preprocessing

    windows = {"window": length, "stride": length - length // 3}
    return preprocessing.QuestionAnsweringPreprocessor(tokenizer, windows)
