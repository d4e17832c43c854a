"""TensorFlow Serving's `:classify`, for bundles whose task is to classify texts."""

from tfzoo.serving.predict import complete
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.settings import Settings
from tfzoo.serving.tensors import to_array
from tfzoo.serving.version import Version


def decode(version: Version, signature, examples: list, context: dict, settings: Settings) -> dict:
    """Features by example, `{"text": "..."}`, to the arrays of a signature.

    Args:
        version: that classifies.
        signature: of it.
        examples: dictionaries.
        context: features that all examples share.
        settings: the limits.

    Raises:
        Refusal: 400, if the model is no classifier, or the features do not suit it.
    """
    if not class_names(version) or "probabilities" not in signature.outputs:
        raise Refusal(400, "This model or signature does not classify: use `:predict`.")
    rows = [{**context, **example} for example in examples]
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        raise Refusal(400, "`examples` must be one at least, all with the same features.")
    if strange := [name for name in rows[0] if name not in signature.rows]:
        raise Refusal(400, f"There is no feature {strange[0]!r}: {signature}.")
    arrays = {
        name: to_array([row[name] for row in rows], signature.inputs[name], settings)
        for name in rows[0]
    }
    return complete(arrays, signature, settings)


def encode(version: Version, outputs: dict) -> list:
    """For each example its classes and their probabilities, in the order of `class_names`."""
    names = class_names(version)
    if "class_names" in outputs:  # what the version itself says; tfzoo.json is the newest one's
        names = [name.decode() for name in outputs["class_names"][0]]
    return [
        [[name, float(p)] for name, p in zip(names, row, strict=True)]
        for row in outputs["probabilities"]
    ]


def class_names(version: Version) -> tuple[str, ...]:
    """In the order of probabilities; none where the task is another."""
    description = version.description
    return description.class_names if description.task == "classification" else ()
