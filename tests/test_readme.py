"""The Python blocks of README and guides run, in their order.

Those of one section of the README share their names, and so do those of one guide.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Of each page the heading at which it is cut into what runs by itself, or None: it runs as a whole.
PAGES = {"README.md": "## ", "docs/gan.md": None}
CODE_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SNIPPET = re.compile(r'^--8<-- "(.+):(.+)"$', re.MULTILINE)


def sections():
    for page, heading in PAGES.items():
        text = SNIPPET.sub(snippet, read(page))
        parts = re.split(f"^{heading}", text, flags=re.MULTILINE)[1:] if heading else [text]
        for section in parts:
            blocks = CODE_BLOCK.findall(section)
            if blocks:
                yield pytest.param(blocks, id=f"{page} {section.splitlines()[0]}")


def snippet(match):
    """What stands between two marks of another page, as MkDocs puts it in."""
    name, mark = match.groups()
    start, end = (f"<!-- --8<-- [{side}:{mark}] -->" for side in ("start", "end"))
    return read(name).split(start)[1].split(end)[0]


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def test_every_page_has_blocks():
    assert {section.id.split()[0] for section in sections()} == PAGES.keys()


@pytest.mark.parametrize("blocks", list(sections()))
def test_blocks_of_a_section_run(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"<block {number}>", "exec"), names)
