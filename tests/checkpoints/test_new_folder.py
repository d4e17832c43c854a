import os

import pytest

from tfzoo.checkpoints import new_folder


def test_the_folder_has_its_name_only_when_it_is_whole(tmp_path):
    target = tmp_path / "deep" / "model"
    with new_folder(target) as folder:
        (folder / "a.txt").write_text("one")
        assert not target.exists()
        (folder / "b.txt").write_text("two")
    assert {path.name: path.read_text() for path in target.iterdir()} == {
        "a.txt": "one",
        "b.txt": "two",
    }
    assert os.listdir(tmp_path / "deep") == ["model"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_nothing_remains_of_a_failed_one(tmp_path, error):
    with pytest.raises(type(error)), new_folder(tmp_path / "model") as folder:
        (folder / "half.txt").write_text("half")
        raise error
    assert os.listdir(tmp_path) == []


def test_an_existing_folder_is_refused_and_stays(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with pytest.raises(FileExistsError, match="`folder` must not exist yet.*model, which does"):
        with new_folder(target):
            raise AssertionError("must not be entered")
    assert (target / "old.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["model"]


def test_a_folder_that_appears_meanwhile_stays(tmp_path):
    target = tmp_path / "model"
    with pytest.raises(FileExistsError, match="must not exist yet"), new_folder(target) as folder:
        (folder / "new.txt").write_text("new")
        target.mkdir()
    assert os.listdir(tmp_path) == ["model"]
    assert os.listdir(target) == []


def test_whoever_may_read_new_files_may_read_all_of_them(tmp_path):
    umask = os.umask(0o027)
    try:
        with new_folder(tmp_path / "model") as folder:
            (folder / "tokenizer").mkdir(mode=0o700)
            for path in (folder / "private.txt", folder / "tokenizer" / "private.txt"):
                path.write_text("a")
                path.chmod(0o600)
    finally:
        os.umask(umask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "model").rglob("*")}
    assert modes == {"tokenizer": 0o750, "private.txt": 0o640}


def test_a_file_is_no_place_for_it(tmp_path):
    (tmp_path / "file.txt").write_text("old")
    with pytest.raises(FileExistsError, match="must lie in a folder; .*file.txt is a file."):
        with new_folder(tmp_path / "file.txt" / "model"):
            raise AssertionError("must not be entered")
    assert (tmp_path / "file.txt").read_text() == "old"
