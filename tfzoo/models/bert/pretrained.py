"""A task with a new head, from the files of any BERT."""

import json
import pathlib

from tfzoo.checkpoints import read_preset
from tfzoo.models import preset
from tfzoo.models.bert.bert_backbone import BertBackbone
from tfzoo.models.bert.fine_tuning import pretrained_parts


def from_pretrained(cls, make_preprocessor, folder, arguments):
    """Loads a task whole where the folder is its preset; else gives any BERT a new head.

    Args:
        cls: the task's class.
        make_preprocessor: callable `(tokenizer, sequence_length)`.
        folder: a preset, or a folder of Hugging Face or Google.
        arguments: dict: `dropout` and `dtype` of the backbone, `sequence_length`, and for a new
            head arguments of the constructor.

    Returns:
        A `cls` that is not compiled.
    """
    if is_preset_of(cls, folder):
        return preset.load_task(cls, folder, **arguments)
    parts = pretrained_parts(BertBackbone, make_preprocessor, folder, arguments)
    return cls(*parts, **arguments)


def is_preset_of(cls, folder):
    """Whether the folder holds a task of this class, head and all."""
    config = _json(pathlib.Path(folder) / "config.json")
    task = read_preset(folder).task if config.get("format") == "tfzoo" else None
    return bool(task) and task["class"] == f"tfzoo>{cls.__name__}"


def sentence_settings(folder):
    """What a folder of sentence-transformers says: dict of `sequence_length` and `pooling`."""
    folder, settings = pathlib.Path(folder), {}
    lengths = _json(folder / "sentence_bert_config.json")
    if lengths.get("max_seq_length"):
        settings["sequence_length"] = lengths["max_seq_length"]
    pooling = _json(folder / "1_Pooling" / "config.json")
    if pooling.get("pooling_mode_cls_token"):
        settings["pooling"] = "cls"
    return settings


def _json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
