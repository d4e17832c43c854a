"""`tfzoo train gpt`: a language model from nothing, on any texts."""

from typing import Annotated

import typer

from tfzoo.cli import train_options as options
from tfzoo.cli.run_folder import RunFolder
from tfzoo.cli.sizes import size_of
from tfzoo.cli.sources import check


def gpt(
    context: typer.Context,
    data: options.Data,
    run: options.Run,
    size: Annotated[str, typer.Option(help="nano, mini, small, ...: see `tfzoo list`.")] = "nano",
    vocabulary_size: Annotated[int, typer.Option(min=257, help="Tokens to learn.")] = 4096,
    length: Annotated[int, typer.Option(min=8, help="Tokens of a row, and of a text.")] = 256,
    dropout: Annotated[float, typer.Option(min=0.0, max=0.9)] = 0.0,
    epochs: options.Epochs = 1,
    steps: options.Steps = None,
    checkpoint_steps: options.CheckpointSteps = options.CHECKPOINT_STEPS,
    batch_size: options.BatchSize = 16,
    learning_rate: Annotated[
        float, typer.Option(min=options.LEAST_RATE, help="Peak, of Muon.")
    ] = 0.02,
    dtype: options.Dtype = options.AUTO,
    seed: options.Seed = 0,
    held_out: options.HeldOut = 0.05,
    field: Annotated[str, typer.Option(help="Where a record has its text.")] = "text",
    document_per: Annotated[str, typer.Option(help="text, paragraph or line.")] = "text",
    profile: options.Profile = False,
    data_dir: options.DataDir = None,
    licence: options.Licence = None,
) -> None:
    """Train a GPT on texts, its vocabulary too, into a run folder."""
    # TensorFlow takes seconds to import: only who trains waits for it.
    import keras

    from tfzoo import models, optimizers, preprocessing
    from tfzoo.data import load_corpus

    form = {**size_of("GPT", size), **models.MODERN}
    check("generation", data)
    folder = RunFolder(run, "gpt", context.params)
    folder.end_if_finished()
    corpus = load_corpus(
        data,
        validation=held_out,
        test=held_out,
        field=int(field) if field.isdecimal() else field,
        document_per=document_per,
        data_dir=data_dir,
    )
    tokenizer = folder.tokenizer(preprocessing.BytePairTokenizer, corpus.train, vocabulary_size)
    keras.utils.set_random_seed(seed)
    backbone = models.GPTBackbone(
        tokenizer.vocabulary_size, **form, max_sequence_length=length, dropout=dropout, dtype=dtype
    )
    model = models.GPTCausalLM(backbone, preprocessing.CausalLMPreprocessor(tokenizer, length))
    # From nothing Muon gets farther than AdamW, which `compile()` would take.
    schedule = optimizers.WarmupCosine(learning_rate)
    model.compile(optimizers.MuonAdamW(schedule, adam_lr_ratio=0.2))
    folder.fit(
        model,
        (corpus.train,),
        validation_data=corpus.validation or None,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        profile=profile,
    )
    scores = model.evaluate(corpus.test, return_dict=True, verbose=0) if corpus.test else {}
    folder.finish(model, {"source": data, **counts(corpus)}, scores)


def counts(corpus) -> dict:
    """How much text there is in each part."""
    return {
        name: f"{len(part):,} documents, {sum(map(len, part)):,} characters"
        for name, part in corpus._asdict().items()
    }
