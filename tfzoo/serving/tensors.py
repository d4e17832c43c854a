"""Values of JSON to arrays that suit an input, and arrays to JSON."""

import base64
import binascii

import numpy as np

from tfzoo.serving.refusal import Refusal
from tfzoo.serving.settings import Settings
from tfzoo.serving.signature import Spec

MAX_DEPTH = 16  # dimensions of an array of strings


def to_array(value, spec: Spec, settings: Settings) -> np.ndarray:
    """A value of JSON, nested lists for dimensions, as an array for an input.

    Strings are encoded as UTF-8; `{"b64": "..."}` holds bytes in base64.

    Raises:
        Refusal: 400, if it does not suit.
    """
    array = _strings(value, spec) if spec.dtype.name == "string" else _numbers(value, spec)
    return check(array, spec, settings)


def check(array: np.ndarray, spec: Spec, settings: Settings) -> np.ndarray:
    """An array, if it has the shape of an input and keeps the limits.

    Raises:
        Refusal: 400, if it does not.
    """
    if spec.shape is not None and not _fits(array.shape, spec.shape):
        # One text, say, where a list of texts belongs.
        hint = "; put it in a list" if array.ndim + 1 == len(spec.shape) else ""
        raise Refusal(400, f"Input {spec} does not take shape {list(array.shape)}{hint}.")
    if spec.has_rows and not len(array):
        raise Refusal(400, f"Input {spec.name!r} must have a row at least; received none.")
    if spec.has_rows and len(array) > settings.max_batch_size:
        raise Refusal(
            400,
            f"Input {spec.name!r} must have {settings.max_batch_size} rows at most; received "
            f"{len(array)}: send several requests, or start the server with --max-batch-size.",
        )
    if array.dtype == object:
        longest = max(map(len, array.ravel()), default=0)
        if longest > settings.max_text_bytes:
            raise Refusal(
                400,
                f"Input {spec.name!r} must have strings of {settings.max_text_bytes} bytes at "
                f"most; received one of {longest}.",
            )
    if spec.name == "max_new_tokens" and np.any(array > settings.max_new_tokens):
        raise Refusal(
            400, f"`max_new_tokens` must be at most {settings.max_new_tokens}; received {array}."
        )
    if spec.name == "n" and not spec.shape and np.any(array > settings.max_samples):
        raise Refusal(400, f"`n` must be at most {settings.max_samples}; received {array}.")
    return array


def _fits(shape, wanted):
    return len(shape) == len(wanted) and all(
        size in (None, real) for size, real in zip(wanted, shape, strict=True)
    )


def _numbers(value, spec):
    """Numbers and truth values."""
    dtype = spec.dtype.as_numpy_dtype
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):  # NumPy says which lists differ in length
        raise wrong(spec, "lists of unequal length, or too deep ones") from None
    if not array.size:
        return array.astype(dtype)
    if spec.dtype.is_bool:
        if array.dtype.kind != "b":
            raise wrong(spec, _received(array))
        return array
    if array.dtype.kind not in ("iuf" if spec.dtype.is_floating else "iu"):
        raise wrong(spec, _received(array))
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(dtype)
    # Beyond its range a float becomes infinite, an integer anything.
    if spec.dtype.is_floating:
        lost = np.isinf(converted.astype(np.float64)) & np.isfinite(array.astype(np.float64))
    else:
        lost = (array > spec.dtype.max) | (array < spec.dtype.min)
    if lost.any():
        raise wrong(spec, f"{array[lost].flat[0]}, which is out of its range")
    return converted


def _received(array):
    kinds = {"b": "a truth value", "f": "a number with a fraction", "U": "a string"}
    return kinds.get(array.dtype.kind, "something else, or a number out of its range")


def _strings(value, spec, depth=0):
    """Strings, to an array of bytes."""
    if depth > MAX_DEPTH:
        raise wrong(spec, "lists that are nested too deep")
    if not isinstance(value, list):
        scalar = np.empty((), object)
        scalar[()] = _string(value, spec)
        return scalar
    rows = [_strings(item, spec, depth + 1) for item in value]
    if len({row.shape for row in rows}) > 1:
        raise wrong(spec, "lists of unequal length")
    array = np.empty((len(rows), *(rows[0].shape if rows else ())), object)
    for number, row in enumerate(rows):
        array[number] = row[()] if row.ndim == 0 else row
    return array


def _string(value, spec):
    try:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, bytes):  # of gRPC
            return value
        if isinstance(value, dict) and value.keys() == {"b64"}:
            return base64.b64decode(value["b64"], validate=True)
    except UnicodeEncodeError:
        raise wrong(spec, "half of a surrogate pair, which is no character") from None
    except (binascii.Error, ValueError, TypeError):
        raise wrong(spec, "a `b64` that is not base64") from None
    raise wrong(spec, f"{type(value).__name__} {str(value)[:40]}")


def wrong(spec: Spec, received: str) -> Refusal:
    """Says that an input is of another kind than its spec."""
    return Refusal(400, f"Input {spec} must be {spec.dtype.name}; received {received}.")


def to_json(array: np.ndarray, name: str):
    """An array as JSON writes it.

    Bytes become strings where they are UTF-8. Those that are not, and all of an output whose name
    ends in `_bytes`, become `{"b64": "..."}`, as TensorFlow Serving does by the name.
    """
    if array.dtype != object:
        return array.tolist()
    as_base64 = name.endswith("_bytes")
    if array.ndim == 0:
        return _text(array[()], as_base64)
    return [to_json(np.asarray(row, object), name) for row in array]


def _text(value, as_base64):
    if not as_base64:
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
    return {"b64": base64.b64encode(value).decode()}
