"""Adapting a pretrained network by moving few of its weights: frozen layers and LoRA.

What is adapted stands in the config of the backbone, so that saving and loading keep it.
"""

from typing import Any

import keras

from tfzoo.distribution import placement
from tfzoo.models.named_variables import backbone_variables, task_variables

_KEY = "adaptation"


def freeze_layers(backbone, num_layers: int) -> None:
    """Keeps training from moving the embeddings and the lowest blocks.

    Args:
        backbone: has `num_layers` blocks, `blocks`, and below them embeddings and what else is not
            in `blocks` and reads no block.
        num_layers: int in [0, L], how many blocks beside the embeddings.

    Raises:
        ValueError: there are not so many blocks.
    """
    if not 0 <= num_layers <= backbone.num_layers:
        raise ValueError(
            f"`num_layers` must be from 0 to {backbone.num_layers}, the blocks of the backbone; "
            f"received {num_layers}."
        )
    for part in (*backbone.embedding_layers(), *backbone.blocks[:num_layers]):
        _freeze(part)
    backbone.adaptation["frozen_layers"] = num_layers


def enable_lora(backbone, rank: int, alpha: float | None = None) -> None:
    """Freezes the backbone and lets its attention projections learn low-rank updates.

    Args:
        backbone: its `blocks` each have an `attention`.
        rank: int >= 1.
        alpha: optional float > 0, see `tfzoo.layers.LowRankUpdate`.

    Raises:
        ValueError: it has LoRA already, or `rank` is below 1.
    """
    if "lora_rank" in backbone.adaptation:
        raise ValueError(
            f"LoRA must be enabled only once; it is, with rank {backbone.adaptation['lora_rank']}. "
            "`tfzoo.models.merge_lora` gives a network without it."
        )
    if not isinstance(rank, int) or rank < 1:
        raise ValueError(f"`rank` must be an int, 1 or more; received {rank!r}.")
    if alpha is not None and not alpha > 0:
        raise ValueError(f"`alpha` must be above 0, or None; received {alpha!r}.")
    _freeze(backbone)
    for block in backbone.blocks:
        block.attention.enable_lora(rank, alpha)
    backbone.adaptation.update({"lora_rank": rank, "lora_alpha": alpha})


def merge_lora(model: keras.Model) -> keras.Model:
    """Adds the low-rank updates to the matrices that they belong to.

    Args:
        model: a backbone, or a task with a backbone.

    Returns:
        A new model that computes the same, without LoRA and not compiled. A model without LoRA
        comes back as it is.
    """
    backbone = getattr(model, "backbone", model)
    if "lora_rank" not in getattr(backbone, "adaptation", {}):
        return model
    placement.require_one_piece(backbone.distribute_strategy)
    plain = type(backbone).from_config(without_adaptation(backbone.get_config()))
    _copy_merged(backbone, plain)
    return plain if backbone is model else with_backbone(model, plain)


def with_backbone(task: keras.Model, backbone: keras.Model, **changes: Any) -> keras.Model:
    """Puts another backbone of the same width under the head of a task.

    Args:
        task: has a backbone.
        backbone: what the new task reads with.
        **changes: arguments of the task's constructor that are to be others.

    Returns:
        A new task, not compiled, in the precision of its backbone.
    """
    config = {k: v for k, v in task.get_config().items() if k not in (*task.PARTS, "dtype")}
    config = {"preprocessor": task.preprocessor, **config, **changes}
    twin = type(task)(backbone=backbone, **config)
    own = task_variables(task)
    for name, variable in task_variables(twin).items():
        variable.assign(own[name])
    return twin


def count_trainable(model: keras.Model) -> int:
    """Returns how many numbers training moves."""
    return sum(int(keras.ops.size(variable)) for variable in model.trainable_variables)


def with_adaptation(config: dict, backbone) -> dict:
    """The config of a backbone, with what is adapted if anything is."""
    return {**config, _KEY: dict(backbone.adaptation)} if backbone.adaptation else config


def without_adaptation(config: dict) -> dict:
    """The config of the backbone as its constructor takes it."""
    return {name: value for name, value in config.items() if name != _KEY}


def adapt(backbone, config: dict) -> None:
    """Adapts a new backbone as its config says."""
    adaptation = config.get(_KEY, {})
    if "lora_rank" in adaptation:
        enable_lora(backbone, adaptation["lora_rank"], adaptation["lora_alpha"])
    if "frozen_layers" in adaptation:
        freeze_layers(backbone, adaptation["frozen_layers"])


def _freeze(part):
    for variable in part.variables:
        variable.trainable = False


def _copy_merged(backbone, plain):
    source = backbone_variables(backbone)
    for name, variable in backbone_variables(plain).items():
        variable.assign(source[name])
    for block, twin in zip(backbone.blocks, plain.blocks, strict=True):
        for dense, update in zip(
            twin.attention.projections(), block.attention.updates, strict=True
        ):
            dense.kernel.assign_add(update.matrix())
