"""Scripts are written with what users have: public names only."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))


def imported_names(tree):
    """Yields (module, name) of every import of tfzoo; the name is None for a whole module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tfzoo":
            yield from ((node.module, alias.name) for alias in node.names)
        if isinstance(node, ast.Import):
            yield from (
                (alias.name, None) for alias in node.names if alias.name.split(".")[0] == "tfzoo"
            )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_script_imports_public_names_only(script):
    for module, name in imported_names(ast.parse(script.read_text(encoding="utf-8"))):
        public = importlib.import_module(module).__all__
        assert name is None or name in public


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_script_reaches_public_names_only(script):
    """`tfzoo.models.GPTBackbone` is a promise, `tfzoo.models.task` and `tfzoo._x` are none."""
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        names = chain(node)
        value = importlib.import_module("tfzoo")
        for name in names[1:] if names[:1] == ["tfzoo"] else []:
            if not hasattr(value, "__all__"):
                break
            assert name in value.__all__
            value = getattr(value, name)


def chain(node):
    """["tfzoo", "models", "GPTBackbone"] for that expression; [] for any other."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [*chain(node.value), node.attr] if chain(node.value) else []
    return []
