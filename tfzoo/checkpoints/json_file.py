"""JSON objects in files."""

import json
import pathlib
from typing import Any


def read_json_object(path: pathlib.Path) -> dict[str, Any]:
    """Reads a JSON object; a missing or broken file gets a sentence that names it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"{path} does not exist; {_what(path.parent)}") from error
    except ValueError as error:
        raise ValueError(
            f"{path} is not readable JSON ({error}); it may be truncated: fetch or save it again."
        ) from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold a JSON object; received {found!r:.80}.")
    return found


def write_json_object(path: pathlib.Path, value: dict[str, Any]) -> None:
    """Writes a JSON object, indented for human readers."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _what(folder):
    if (folder / "saved_model.pb").exists():
        return f"{folder} is an export: expected a folder that `save_to_preset` wrote."
    return f"is {folder} a model's folder?"
