"""BERT as its authors released it: a TensorFlow checkpoint, `bert_config.json` and `vocab.txt`."""

import contextlib
import dataclasses
import os
import pathlib
import re
from typing import Any

import numpy as np
import tensorflow as tf

from tfzoo.checkpoints.hugging_face_bert import translate
from tfzoo.checkpoints.hugging_face_bert_config import from_hugging_face
from tfzoo.checkpoints.json_file import read_json_object

CONFIG = "bert_config.json"
# Ends of names of optimizers' slots and of the step counter.
NOT_WEIGHTS = re.compile(r"/(adam_[mv]|LAMB(_1)?|AdamWeightDecayOptimizer(_1)?)$|^global_step$")
# The matrix that decides on the next sentence is stored as (out, in), all others as (in, out).
NAMES = {
    r"cls/predictions/output_bias": "cls.predictions.bias",
    r"cls/seq_relationship/output_weights": "cls.seq_relationship.weight",
    r"cls/seq_relationship/output_bias": "cls.seq_relationship.bias",
}


@dataclasses.dataclass(frozen=True)
class CheckpointTensor:
    """A tensor that stays in its checkpoint until NumPy asks for it.

    Args:
        checkpoint: the checkpoint's files, without their endings.
        name: the tensor's name in it.
        shape: shape of the array, after transposition.
        transposed: whether the two axes are swapped when reading.
    """

    checkpoint: pathlib.Path
    name: str
    shape: tuple[int, ...]
    transposed: bool = False

    @property
    def T(self) -> "CheckpointTensor":  # noqa: N802 - NumPy's name
        """The same matrix with its axes swapped."""
        return dataclasses.replace(self, shape=self.shape[::-1], transposed=not self.transposed)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        with _sentence_for_broken_files(self.checkpoint):
            array = tf.train.load_variable(str(self.checkpoint), self.name)
        array = array.astype(dtype or np.float32, copy=False)
        return array.T if self.transposed else array

    def __str__(self) -> str:
        return f"tensor {self.name!r} in {self.checkpoint}"


def is_google_bert(folder: str | os.PathLike) -> bool:
    """Whether a folder holds a `bert_config.json` and no `config.json`."""
    folder = pathlib.Path(folder)
    return (folder / CONFIG).exists() and not (folder / "config.json").exists()


def read(folder: str | os.PathLike) -> tuple[dict[str, Any], dict[str, Any], dict[str, bool]]:
    """Reads a folder of `google-research/bert`.

    Args:
        folder: holds `bert_config.json` and one checkpoint, `bert_model.ckpt.index` and the like.

    Returns:
        As `hugging_face_bert.read`.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if it is broken, there are several, the network is not one that `BertBackbone`
            computes, or tensors are missing or left over.
    """
    folder = pathlib.Path(folder)
    config = from_hugging_face(read_json_object(folder / CONFIG), folder / CONFIG)
    checkpoint = _checkpoint(folder)
    with _sentence_for_broken_files(checkpoint):
        shapes = tf.train.load_checkpoint(str(checkpoint)).get_variable_to_shape_map()
    tensors = {}
    for name, shape in shapes.items():
        if not NOT_WEIGHTS.search(name):
            tensor = CheckpointTensor(checkpoint, name, tuple(shape))
            tensors[_theirs(name)] = tensor.T if name.endswith("/kernel") else tensor
    return translate(folder, config, tensors)


def _checkpoint(folder):
    found = sorted(folder.glob("*.index"))
    if not found:
        raise FileNotFoundError(
            f"{folder} must hold a checkpoint, bert_model.ckpt.index; it has none."
        )
    if len(found) > 1:
        raise ValueError(
            f"{folder} must hold one checkpoint; it has {', '.join(path.name for path in found)}."
        )
    return found[0].with_suffix("")


@contextlib.contextmanager
def _sentence_for_broken_files(checkpoint):
    try:
        yield
    except (tf.errors.OpError, RuntimeError) as error:
        raise ValueError(
            f"{checkpoint} is not a readable checkpoint ({error}); fetch it again."
        ) from error


def _theirs(name):
    """Hugging Face's name of a tensor."""
    if name in NAMES:
        return NAMES[name]
    name = re.sub(r"layer_(\d+)", r"layer/\1", name).replace("/", ".")
    name = re.sub(r"_embeddings$", "_embeddings.weight", name)
    return re.sub(r"\.kernel$", ".weight", name)
