"""Tensors in safetensors files, in one file or in several as Hugging Face lays them out."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

# NumPy knows bfloat16 once this is imported.
import ml_dtypes  # noqa: F401
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tfzoo.checkpoints.json_file import read_json_object

TENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
FLOATS = ("BF16", "F16", "F32", "F64")


@dataclasses.dataclass(frozen=True)
class StoredTensor:
    """A tensor that stays in its file until NumPy asks for it: `np.asarray(tensor)` is float32.

    A model can so be loaded tensor by tensor, with no second copy of it in memory.

    Args:
        file: the safetensors file.
        name: the tensor's name in it.
        shape: shape of the array, after transposition.
        transposed: whether the two axes are swapped when reading.
    """

    file: pathlib.Path
    name: str
    shape: tuple[int, ...]
    transposed: bool = False

    @property
    def T(self) -> "StoredTensor":  # noqa: N802 - NumPy's name
        """The same matrix with its axes swapped."""
        return dataclasses.replace(self, shape=self.shape[::-1], transposed=not self.transposed)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        with _opened(self.file) as file:
            if file.get_slice(self.name).get_dtype() not in FLOATS:
                raise ValueError(
                    f"{self} must hold floating-point numbers; received "
                    f"{file.get_slice(self.name).get_dtype()}."
                )
            array = file.get_tensor(self.name)
        array = array.astype(dtype or np.float32, copy=False)
        return array.T if self.transposed else array

    def __str__(self) -> str:
        return f"tensor {self.name!r} in {self.file}"


@dataclasses.dataclass(frozen=True)
class JoinedTensors:
    """Tensors side by side along their last axis, each of them read when NumPy asks for it.

    Args:
        parts: `StoredTensor`s, of one shape but for the last axis.
    """

    parts: tuple[StoredTensor, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""
        return (*self.parts[0].shape[:-1], sum(part.shape[-1] for part in self.parts))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.concatenate([np.asarray(part, dtype) for part in self.parts], axis=-1)

    def __str__(self) -> str:
        return " beside ".join(map(str, self.parts))


def read_tensors(folder: pathlib.Path) -> dict[str, StoredTensor]:
    """Finds the tensors of `model.safetensors`, or of the shards that its index lists.

    Args:
        folder: the model's folder.

    Returns:
        The tensors by name, with their shapes; their numbers are read when asked for.

    Raises:
        FileNotFoundError: if there are no such files, or a shard is missing.
        ValueError: if a file is truncated or no safetensors file.
    """
    if (folder / TENSORS).exists():
        return _tensors_of(folder / TENSORS)
    if not (folder / INDEX).exists():
        raise FileNotFoundError(_nothing_found(folder))
    file_of = read_json_object(folder / INDEX).get("weight_map")
    if not isinstance(file_of, dict) or not all(isinstance(f, str) for f in file_of.values()):
        raise ValueError(f"{folder / INDEX} must hold a `weight_map` from tensor to file.")
    tensors = {}
    for file in sorted(set(file_of.values())):
        if pathlib.PurePath(file).name != file:
            raise ValueError(f"{folder / INDEX} must name files beside it; received {file!r}.")
        tensors |= _tensors_of(folder / file)
    for name in file_of.keys() - tensors.keys():
        raise ValueError(f"{folder / file_of[name]} lacks tensor {name!r}, which {INDEX} promises.")
    return tensors


def write_tensors(folder: pathlib.Path, tensors: Mapping[str, Any]) -> None:
    """Writes arrays, by name, as they are into the `model.safetensors` of a folder."""
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    # Hugging Face refuses files that do not say whose layout they follow.
    save_file(arrays, folder / TENSORS, metadata={"format": "pt"})


def _tensors_of(path: pathlib.Path) -> dict[str, StoredTensor]:
    with _opened(path) as file:
        return {
            name: StoredTensor(path, name, tuple(file.get_slice(name).get_shape()))
            for name in file.keys()  # noqa: SIM118 - it is no dictionary
        }


def _opened(path: pathlib.Path) -> Any:
    try:
        return safe_open(path, framework="np")
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path} does not exist; a part of the model is missing: fetch or save it again."
        ) from error
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a readable safetensors file ({error}); it may be truncated: fetch or "
            "save it again."
        ) from error


def _nothing_found(folder: pathlib.Path) -> str:
    message = f"{folder} must hold {TENSORS} or {INDEX}; it has neither."
    if any(folder.glob("*.bin")):
        message += (
            " It has PyTorch's pickled .bin files, which can run code when they are read: load "
            "them with Hugging Face `transformers` and call its save_pretrained(), which writes "
            "safetensors."
        )
    return message
