"""A task with a new head, from the files of any BERT."""

from tfzoo.checkpoints import read_preset
from tfzoo.models import preset
from tfzoo.models.bert.bert_backbone import BertBackbone
from tfzoo.preprocessing import WordPieceTokenizer

OF_THE_BACKBONE = ("dropout", "dtype")


def from_pretrained(cls, make_preprocessor, folder, arguments):
    """Loads a task whole where the folder is its preset; else gives any BERT a new head.

    Args:
        cls: the task's class.
        make_preprocessor: callable `(tokenizer, backbone, arguments)` that takes its own arguments
            out of the dict.
        folder: a preset, or a folder of Hugging Face or Google.
        arguments: dict: `dropout` and `dtype` of the backbone, and arguments of the constructors.

    Returns:
        A `cls` that is not compiled.
    """
    saved = read_preset(folder).task
    if saved and saved["class"] == f"tfzoo>{cls.__name__}":
        return preset.load_task(cls, folder, **arguments)
    own = {name: arguments.pop(name) for name in OF_THE_BACKBONE if name in arguments}
    backbone = BertBackbone.from_preset(folder, **own)
    preprocessor = make_preprocessor(WordPieceTokenizer.load(folder), backbone, arguments)
    return cls(backbone, preprocessor, **arguments)


def require_room(backbone, length, what):
    """Raises a `ValueError` where rows are longer than the network can read."""
    if length > backbone.max_sequence_length:
        raise ValueError(
            f"{what} must be at most {backbone.max_sequence_length}, what the backbone can read at "
            f"once; received {length}."
        )
