"""The README's Python blocks run, in their order: those of one section share their names."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"
SECTION = re.compile(r"^## ", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def sections():
    for text in SECTION.split(README.read_text(encoding="utf-8"))[1:]:
        blocks = CODE_BLOCK.findall(text)
        if blocks:
            yield pytest.param(blocks, id=text.splitlines()[0])


def test_there_are_blocks():
    assert list(sections())


@pytest.mark.parametrize("blocks", list(sections()))
def test_blocks_of_a_section_run(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"<block {number}>", "exec"), names)
