"""What makes two runs the same run."""

import json
import re
import zlib

from tfzoo.callbacks.run_state import state_variables

# Where an object comes from, and how Keras numbers it, may differ between two runs of one script.
IGNORED = {"name", "module", "registered_name", "build_config", "shared_object_id"}
AUTOMATIC = re.compile(r"_\d+(?=[\"'/\]]|$)|0x[0-9a-f]+")
LONGEST_VALUE = 80


def identity(model, **facts) -> dict[str, str]:
    """What a run has to have in common with the one that it goes on: names and short values.

    Settings of the model and of `compile` come first, so that a difference has the name that the
    user knows; then `facts`; then each variable with shape and dtype.
    """
    try:
        config = {"model": model.get_config(), "compile": model.get_compile_config()}
    except (NotImplementedError, TypeError):  # of an object that cannot be saved
        config = {}
    found = {name.strip("."): value for name, value in _flat({**config, **facts}, "")}
    for number, variable in enumerate([*state_variables(model), *model.metrics_variables]):
        # Slots of optimizers have the number of the model in the middle of their names.
        name = f"variable {number}, {re.sub(r'_?[0-9]+', '', variable.path)},"
        found[name] = f"{tuple(variable.shape)} {variable.dtype}"
    return found


def require_same(folder, saved: dict, now: dict) -> None:
    """Raises a `ValueError` that names the first thing in which `now` is not what was `saved`."""
    for name in {**now, **saved}:
        if saved.get(name) != now.get(name):
            raise ValueError(
                f"`Resume` goes on with the run in {folder}, where {name} was "
                f"{saved.get(name, 'absent')}; received {now.get(name, 'none')}. Nothing was "
                "overwritten: take what that run had, or choose another folder."
            )


def require_same_batch(folder, saved: dict, now: dict) -> None:
    """The same for the first batches, of which `saved` and `now` hold `rows` and `checksum`."""
    require_same(folder, {"rows in a batch": saved["rows"]}, {"rows in a batch": now["rows"]})
    if saved != now:
        raise ValueError(
            f"`Resume` goes on with the run in {folder}, which began with another batch. Nothing "
            "was overwritten: pass the same data in the same order (`seed`), or choose another "
            "folder."
        )


def _flat(value, name):
    if isinstance(value, dict):
        parts = {key: part for key, part in value.items() if key not in IGNORED}
        for key, part in parts.items():
            yield from _flat(part, name if key == "config" else f"{name}.{key}")
    elif isinstance(value, (list, tuple)) and any(isinstance(part, dict) for part in value):
        for number, part in enumerate(value):
            yield from _flat(part, f"{name}.{number}")
    else:
        yield name, _short(AUTOMATIC.sub("", json.dumps(value, default=repr)))


def _short(text):
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}... (checksum {zlib.crc32(text.encode()):08x})"
