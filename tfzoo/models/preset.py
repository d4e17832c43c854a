"""Models into folders and out of them: what `save_to_preset` and `from_preset` call."""

import os
from collections.abc import Mapping
from typing import Any

import keras

from tfzoo.checkpoints import (
    Preset,
    hugging_face_bert,
    hugging_face_gpt2,
    new_folder,
    read_preset,
    write_preset,
)
from tfzoo.models.adaptation import merge_lora
from tfzoo.models.named_variables import (
    TASK_PREFIX,
    arrays,
    assign,
    backbone_variables,
    task_variables,
)

# What may be changed on loading: the choices after which the weights still mean the same.
CHANGEABLE = ("dropout", "dtype")


def save(model: keras.Model, folder: str | os.PathLike) -> None:
    """Saves a backbone, or a task with its networks and preprocessor, as a preset.

    Args:
        model: a backbone or a `Task`.
        folder: path that must not exist yet; it appears whole or not at all.

    Raises:
        FileExistsError: if `folder` exists.
    """
    backbone, task, preprocessor, tokenizer = _parts(model)
    variables = backbone_variables(backbone) if backbone else {}
    variables |= task_variables(task) if task else {}
    preset = Preset(
        backbone=backbone and _describe(backbone),
        weights=arrays(variables),
        task=task and _describe(task, without=("backbone", "preprocessor", "dtype")),
        preprocessor=preprocessor and _describe(preprocessor, without=("tokenizer",)),
        tokenizer=tokenizer and {"class": keras.saving.get_registered_name(type(tokenizer))},
    )
    with new_folder(folder) as aside:
        write_preset(aside, preset)
        if tokenizer:
            tokenizer.save(aside)


def save_hugging_face(model: keras.Model, folder: str | os.PathLike) -> None:
    """Saves a GPT-2 or a BERT for `transformers`, whose `from_pretrained(folder)` reads it.

    Args:
        model: a `GPTCausalLM`, a `BertMaskedLM`, or their backbones. Of another task of BERT the
            backbone and the tokenizer are written.
        folder: path that must not exist yet; it appears whole or not at all.

    Raises:
        FileExistsError: if `folder` exists.
        ValueError: if the backbone is neither GPT-2 nor BERT as Hugging Face has them.
    """
    backbone, task, _, tokenizer = _parts(merge_lora(model))
    kind = keras.saving.get_registered_name(type(backbone))
    if kind not in WRITERS:
        raise ValueError(
            f"`model` must have one of the backbones {', '.join(WRITERS)}; received {kind}. "
            "Save it as a preset instead."
        )
    weights = arrays(backbone_variables(backbone))
    with new_folder(folder) as aside:
        WRITERS[kind](aside, backbone, weights, task, tokenizer)
        if tokenizer:
            tokenizer.save(aside)


def _write_gpt2(folder, backbone, weights, task, tokenizer):
    ends = (tokenizer.start_token_id, tokenizer.end_token_id) if tokenizer else ()
    hugging_face_gpt2.write(folder, backbone.get_config(), weights, *ends)


def _write_bert(folder, backbone, weights, task, tokenizer):
    heads = arrays(task_variables(task)) if task else {}
    names = (f"{TASK_PREFIX}masked_lm_head/", f"{TASK_PREFIX}next_sentence_head/")
    weights |= {path: array for path, array in heads.items() if path.startswith(names)}
    padding = tokenizer.padding_token_id if tokenizer else 0
    hugging_face_bert.write(folder, backbone.get_config(), weights, padding)


WRITERS = {"tfzoo>GPTBackbone": _write_gpt2, "tfzoo>BertBackbone": _write_bert}


def load_backbone(cls: type, folder: str | os.PathLike, **changes: Any) -> keras.Model:
    """Makes a backbone from a preset, a GPT-2 or BERT of Hugging Face, or Google's BERT.

    Args:
        cls: the backbone's class.
        folder: holds what `save` wrote, or what `save_pretrained` of `transformers` wrote.
        **changes: `dropout` or `dtype` instead of the saved one.

    Returns:
        A `cls` with the folder's weights.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is broken, or does not hold what `cls` needs.
    """
    return _make_backbone(cls, folder, read_preset(folder), changes)


def load_task(cls: type, folder: str | os.PathLike, **changes: Any) -> keras.Model:
    """Makes a task with its backbone and preprocessor, from a preset or another's folder.

    From the preset of a backbone alone, or of another task, it takes backbone and preprocessor;
    variables that `cls` adds then keep their initial values.

    Args:
        cls: the task's class.
        folder: holds what `save` wrote, or what `save_pretrained` of `transformers` wrote.
        **changes: `dropout` or `dtype` of the backbone instead of the saved one.

    Returns:
        A `cls` that is not compiled.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is broken, or does not hold what `cls` needs.
    """
    preset = read_preset(folder)
    if preset.backbone is None:
        return _make_whole_task(cls, folder, preset, changes)
    if "backbone" not in cls.PARTS:
        held = _class(folder, preset.task or preset.backbone)
        raise ValueError(
            f"`folder` must hold a {cls.__name__}; received {folder}, which holds a "
            f"{held.__name__}."
        )
    backbone = _make_backbone(cls.BACKBONE or keras.Model, folder, preset, changes)
    preprocessor = _fitting(_make_preprocessor(folder, preset), cls.PREPROCESSOR)
    _require_room(folder, preprocessor, backbone)
    saved = preset.task and keras.saving.get_registered_object(preset.task["class"])
    if not saved or not issubclass(saved, cls):
        return cls(backbone=backbone, preprocessor=preprocessor)
    task = saved(backbone=backbone, preprocessor=preprocessor, **preset.task["config"])
    tensors = {n: t for n, t in preset.weights.items() if n.startswith(TASK_PREFIX)}
    assign(task_variables(task), tensors, folder)
    return task


def _parts(model):
    """`(backbone, task, preprocessor, tokenizer)`, None for what there is not."""
    task = model if hasattr(model, "backbone") else None
    preprocessor = getattr(task, "preprocessor", None)
    return getattr(model, "backbone", model), task, preprocessor, _tokenizer(preprocessor)


def _tokenizer(preprocessor):
    return getattr(preprocessor, "tokenizer", None)


def _describe(part, without=()):
    config = {name: value for name, value in part.get_config().items() if name not in without}
    return {"class": keras.saving.get_registered_name(type(part)), "config": config}


def _class(folder, part: Mapping[str, Any]):
    found = keras.saving.get_registered_object(part["class"])
    if not isinstance(found, type):
        raise ValueError(
            f"{folder} needs the class {part['class']!r}, which is not registered with Keras; "
            "import the module that defines it."
        )
    return found


def _make_whole_task(cls, folder, preset, changes):
    """A task that holds all of its networks itself."""
    saved = _class(folder, preset.task)
    if not issubclass(saved, cls):
        raise ValueError(
            f"`folder` must hold a {cls.__name__}; received {folder}, which holds a "
            f"{saved.__name__}."
        )
    if changes:
        raise ValueError(
            f"Nothing can be changed on loading a {saved.__name__}; received `{[*changes][0]}`."
        )
    task = saved.from_config(preset.task["config"])
    assign(task_variables(task), preset.weights, folder)
    return task


def _make_backbone(cls, folder, preset, changes):
    fixed = [name for name in changes if name not in CHANGEABLE]
    if fixed:
        raise ValueError(
            f"Only {' and '.join(CHANGEABLE)} can be changed on loading, since the saved weights "
            f"depend on the rest; received `{fixed[0]}`."
        )
    if preset.backbone is None:
        raise ValueError(f"`folder` must hold a {cls.__name__}; received {folder}, without one.")
    found = _class(folder, preset.backbone)
    if not issubclass(found, cls):
        raise ValueError(
            f"`folder` must hold a {cls.__name__}; received {folder}, which holds a "
            f"{found.__name__}."
        )
    backbone = found.from_config({**preset.backbone["config"], **changes})
    tensors = {n: t for n, t in preset.weights.items() if not n.startswith(TASK_PREFIX)}
    assign(backbone_variables(backbone), tensors, folder)
    return backbone


def _make_preprocessor(folder, preset):
    if preset.preprocessor is None:
        return None
    cls, config = _class(folder, preset.preprocessor), preset.preprocessor["config"]
    if preset.tokenizer is None:
        return cls(**config)
    return cls(tokenizer=_class(folder, preset.tokenizer).load(folder), **config)


def _fitting(preprocessor, cls):
    """The preprocessor, or one of class `cls` with its tokenizer and length."""
    if preprocessor is None or cls is None or isinstance(preprocessor, cls):
        return preprocessor
    return cls(preprocessor.tokenizer, preprocessor.sequence_length)


def _require_room(folder, preprocessor, backbone):
    tokenizer = _tokenizer(preprocessor)
    if tokenizer and tokenizer.vocabulary_size > backbone.vocabulary_size:
        raise ValueError(
            f"The tokenizer in {folder} must have at most as many tokens as the backbone embeds, "
            f"{backbone.vocabulary_size}; received one with {tokenizer.vocabulary_size}."
        )
