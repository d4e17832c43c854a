"""`tfzoo convert`: a model in another's files becomes a preset, or a preset one for others."""

import enum
from pathlib import Path
from typing import Annotated

import typer


class Format(enum.StrEnum):
    """How a model lies in files."""

    TFZOO = "tfzoo"
    HUGGING_FACE = "hugging-face"


def convert(
    source: Annotated[
        Path,
        typer.Argument(help="Folder of a preset or run, of Hugging Face, or of Google's BERT."),
    ],
    target: Annotated[Path, typer.Argument(help="New folder.")],
    to: Annotated[Format, typer.Option(help="Whose files to write.")] = Format.TFZOO,
) -> None:
    """Convert a GPT-2 or a BERT between formats; a BERT without a head becomes an embedder.

    For Hugging Face the head of a classifier, tagger or answerer is left out, which is said.
    """
    # TensorFlow takes seconds to import: only who converts waits for it.
    import numpy as np

    from tfzoo.models.preset import save, save_hugging_face

    model = load(source)
    (save if to is Format.TFZOO else save_hugging_face)(model, target)
    # What was written is read again: whoever gets it need not take our word.
    again = load(target)
    pairs = zip(model.backbone.get_weights(), again.backbone.get_weights(), strict=True)
    if not all(np.array_equal(one, other) for one, other in pairs):
        raise ValueError(
            f"{target} must hold the weights of {source}, and reads differently. Do not use it; "
            "please report this."
        )
    if type(again) is not type(model):
        print(
            f"Left out, because only the network and its vocabulary are written: {head_of(model)}."
        )
    parameters = model.backbone.count_params()
    print(f"{type(again.backbone).__name__} of {parameters:,} parameters: {source} -> {target}")


def head_of(model):
    """What a task has beside its network, in words."""
    names = getattr(model, "class_names", None) or getattr(model, "entity_names", None)
    of = f" of {len(names)} classes" if names else ""
    return f"the head{of} of the {type(model).__name__}"


def load(folder):
    """Whatever model with a backbone a folder holds."""
    from tfzoo.checkpoints import read_preset
    from tfzoo.models import BertTextEmbedder, Task

    preset = read_preset(folder)
    if preset.backbone is None:
        raise ValueError(
            "`source` must be a GPT-2 or a BERT, for which others have files; received "
            f"{folder}, which holds a {preset.task['class'].removeprefix('tfzoo>')}."
        )
    is_bert_alone = preset.task is None and preset.backbone["class"] == "tfzoo>BertBackbone"
    return (BertTextEmbedder if is_bert_alone else Task).from_preset(folder)
