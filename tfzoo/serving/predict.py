"""TensorFlow Serving's forms of a request: by rows (`instances`) and by columns (`inputs`)."""

import json
import math
from typing import Any

import numpy as np

from tfzoo.serving.refusal import Refusal
from tfzoo.serving.settings import Settings
from tfzoo.serving.signature import Signature
from tfzoo.serving.tensors import to_array, to_json
from tfzoo.serving.version import Version

FORMS = (
    'a request must be {"instances": [...]} with a value or an object for each row, or '
    '{"inputs": ...} with a value or an object of columns, and may have a "signature_name"'
)


def parse(body: bytes) -> Any:
    """JSON, in which there are neither `NaN` nor numbers too large for a float.

    Raises:
        Refusal: 400, if it is none.
    """
    try:
        return json.loads(body, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise Refusal(400, "The body must be JSON; received one that is nested too deep.") from None
    except ValueError as error:  # bytes that are not UTF-8, and numbers of thousands of digits, too
        raise Refusal(400, f"The body must be JSON; {error}.") from None


def _no_number(name):
    raise ValueError(f"{name} is not a number of JSON")


def _finite(digits):
    value = float(digits)
    return value if math.isfinite(value) else _no_number(digits[:40])


def find_signature(version: Version, name: str | None) -> Signature:
    """A signature of a version, the default one without a name.

    Raises:
        Refusal: 404, if there is none of that name.
    """
    name = name or version.description.default
    if name not in version.signatures:
        known = ", ".join(version.signatures)
        raise Refusal(404, f"The model has signatures {known}; received {name!r}.")
    return version.signatures[name]


def signature_of(version: Version, request: Any) -> Signature:
    """The signature that a request of `:predict` names.

    Raises:
        Refusal: 400, if the request has another form; 404, if there is no such signature.
    """
    known = {"instances", "inputs", "signature_name"}
    if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
        raise Refusal(400, f"The form is wrong: {FORMS}.")
    if unknown := request.keys() - known:
        raise Refusal(400, f"Unknown {sorted(unknown)[0]!r}: {FORMS}.")
    name = request.get("signature_name")
    if not isinstance(name, str | None):
        raise Refusal(400, f"`signature_name` must be a string: {FORMS}.")
    return find_signature(version, name)


def decode(request: dict, signature: Signature, settings: Settings) -> dict[str, np.ndarray]:
    """The arrays of a request in either form.

    Raises:
        Refusal: 400, if they do not suit the signature.
    """
    if "instances" in request:
        values = columns(request["instances"], signature)
    else:
        values = request["inputs"]
        if not is_named(values):
            values = {only_input(signature): values}
    arrays = {
        name: to_array(value, signature.inputs[name], settings)
        for name, value in _known(values, signature).items()
    }
    return complete(arrays, signature, settings)


def complete(arrays: dict, signature: Signature, settings: Settings) -> dict[str, np.ndarray]:
    """Adds the defaults of settings that were left out.

    Raises:
        Refusal: 400, if an input without a default is missing.
    """
    for name, spec in signature.inputs.items():
        if name not in arrays:
            if spec.default is None:
                raise Refusal(400, f"Input {name!r} is missing: {signature}.")
            arrays[name] = to_array(spec.default, spec, settings)
    return arrays


def encode(outputs: dict[str, np.ndarray], by_rows: bool, num_rows: int = 0) -> str:
    """The response in the form of the request; an only output goes without its name.

    Raises:
        Refusal: 400, if rows are wanted and there are none.
    """
    if not by_rows:
        values = {name: to_json(array, name) for name, array in outputs.items()}
        return json.dumps({"outputs": values if len(values) > 1 else next(iter(values.values()))})
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != num_rows:
            raise Refusal(
                400, f"Output {name!r} does not have a row for each instance: use `inputs`."
            )
    values = {name: to_json(array, name) for name, array in outputs.items()}
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return json.dumps({"predictions": rows if len(values) > 1 else next(iter(values.values()))})


def columns(instances, signature):
    """`instances`, turned into columns."""
    if not isinstance(instances, list) or not instances:
        raise Refusal(400, "`instances` must be a list with a row at least.")
    if not any(is_named(row) for row in instances):
        return {only_input(signature, signature.rows): instances}
    if not all(is_named(row) and row.keys() == instances[0].keys() for row in instances):
        raise Refusal(400, "`instances` must all be objects with the same names.")
    for name in _known(instances[0], signature):
        if name not in signature.rows:
            raise Refusal(
                400,
                f"Input {name!r} is one for all rows, which `instances` cannot say, neither here "
                'nor in TensorFlow Serving: use {"inputs": {...}}.',
            )
    return {name: [row[name] for row in instances] for name in instances[0]}


def _known(values, signature):
    for name in values:
        if name not in signature.inputs:
            raise Refusal(400, f"There is no input {name!r}: {signature}.")
    return values


def is_named(value):
    """Whether inputs have their names; an object with `b64` alone is a string."""
    return isinstance(value, dict) and value.keys() != {"b64"}


def only_input(signature, names=None):
    """The input that a value without a name means."""
    names = signature.inputs if names is None else names
    needed = [name for name in names if signature.inputs[name].default is None]
    if len(needed) != 1:
        raise Refusal(400, f"Inputs need their names here: {signature}.")
    return needed[0]
