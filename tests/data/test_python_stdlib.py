import sysconfig
from pathlib import Path

import pytest

from tfzoo.data import python_stdlib
from tfzoo.data.python_stdlib import read_python_stdlib


@pytest.fixture
def small_library(tmp_path, monkeypatch):
    files = {
        "zlast.py": b"last = 1\n",
        "Abc.py": b"first = 1\n",
        "pack/__init__.py": b"  \n",
        "pack/module.py": b"module = 1\r\n",
        "pack/latin.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
        "pack/damaged.py": b"name = '\xe9'\n",
        "pack/data.bin": b"\x00\x01",
        "pack/test.py": b"not_a_test = 1\n",
        "test/test_it.py": b"wrong = 1\n",
        "pack/tests/test_it.py": b"wrong = 1\n",
        "site-packages/other.py": b"wrong = 1\n",
        "dist-packages/other.py": b"wrong = 1\n",
        "config-3.11-linux/python-config.py": b"wrong = 1\n",
        "_sysconfigdata__linux.py": b"wrong = 1\n",
        "sitecustomize.py": b"wrong = 1\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": str(tmp_path)}.__getitem__)
    return tmp_path


def test_reads_the_library_and_nothing_else_in_order(small_library):
    assert read_python_stdlib() == [
        "first = 1\n",
        "# -*- coding: latin-1 -*-\nname = 'é'\n",
        "module = 1\n",
        "not_a_test = 1\n",
        "last = 1\n",
    ]


def test_this_machine_has_more_than_ten_megabytes():
    corpus = python_stdlib()
    documents = sum(corpus, [])
    assert sum(len(text.encode()) for text in documents) > 10_000_000
    assert all(0.02 < len(part) / len(documents) < 0.09 for part in corpus[1:])
    source = Path(sysconfig.get_path("stdlib"), "textwrap.py").read_text(encoding="utf-8")
    assert source in documents
    assert corpus == python_stdlib()
    assert corpus.test != python_stdlib(seed=1).test


def test_a_python_without_source_is_named(small_library):
    for path in small_library.rglob("*.py"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="has no source files in .*: this Python was"):
        python_stdlib()
