import errno
import os
import warnings

import ml_dtypes
import numpy as np
import pytest

from tfzoo.callbacks.checkpoint_folder import CheckpointFolder

ARRAYS = [np.arange(7, dtype="float32"), np.array(3), np.ones((0, 2), "int64")]


def write(folder, *steps, keep=3):
    checkpoints = CheckpointFolder(folder, keep)
    checkpoints.prepare()
    for step in steps:
        checkpoints.write(step, [array + step for array in ARRAYS], {"step": step})
    return checkpoints


def damage(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0x55
    path.write_bytes(content)


def assert_is_of_step(found, step):
    arrays, facts = found
    assert facts == {"step": step}
    for array, expected in zip(arrays, ARRAYS, strict=True):
        np.testing.assert_array_equal(array, expected + step)
        assert array.dtype == (expected + step).dtype


def test_the_newest_comes_back_and_the_last_ones_stay(tmp_path):
    checkpoints = write(tmp_path / "a" / "b", 5, 90, 1000, 7000000000, keep=2)
    assert checkpoints.steps() == [1000, 7000000000]
    assert_is_of_step(checkpoints.newest(), 7000000000)
    assert len(list((tmp_path / "a" / "b").iterdir())) == 2


def test_an_empty_or_missing_folder_has_none(tmp_path):
    assert CheckpointFolder(tmp_path, 1).newest() is None
    assert CheckpointFolder(tmp_path / "missing", 1).newest() is None


def test_bfloat16_is_stored_bit_by_bit(tmp_path):
    values = np.array([1.5, -3e38, np.nan], ml_dtypes.bfloat16)
    checkpoints = CheckpointFolder(tmp_path, 1)
    checkpoints.write(1, [values], {})
    ((array,), _) = checkpoints.newest()
    assert array.tobytes() == values.tobytes()


@pytest.mark.parametrize("left", [0, 1, 200, -1])
def test_a_truncated_one_is_skipped_with_a_warning(tmp_path, left):
    checkpoints = write(tmp_path, 3, 8)
    content = checkpoints.path(8).read_bytes()
    checkpoints.path(8).write_bytes(content[:left])
    with pytest.warns(UserWarning, match=r"step-000000008.npz cannot be read .* is skipped"):
        assert_is_of_step(checkpoints.newest(), 3)


def test_a_damaged_byte_is_noticed_wherever_it_matters(tmp_path):
    checkpoints = write(tmp_path, 3, 8)
    whole = checkpoints.path(8).read_bytes()
    num_noticed = 0
    for place in range(0, len(whole), 7):
        checkpoints.path(8).write_bytes(whole)
        damage(checkpoints.path(8), place)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = checkpoints.newest()
        assert_is_of_step(found, 3 if said else 8)
        num_noticed += bool(said)
    assert num_noticed > 0.5 * len(whole) / 7  # the rest are dates and the like


def test_with_all_damaged_there_is_none(tmp_path):
    checkpoints = write(tmp_path, 3, 8)
    for step in (3, 8):
        damage(checkpoints.path(step), 100)
    with pytest.warns(UserWarning) as said:
        assert checkpoints.newest() is None
    assert len(said) == 2


def test_a_damaged_later_one_is_removed_when_the_run_goes_on(tmp_path):
    checkpoints = write(tmp_path, 3, 8)
    damage(checkpoints.path(8), 100)
    write(tmp_path, 5)
    assert checkpoints.steps() == [3, 5]


def test_a_full_disk_gets_a_sentence_and_spoils_nothing(tmp_path, monkeypatch):
    checkpoints = write(tmp_path, 3)

    def full(file, *arrays, **named):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError) as raised:
        write(tmp_path, 8)
    assert raised.value.errno == errno.ENOSPC
    sentence = f"step 8 could not be written into {tmp_path} (No space left on device), so training"
    assert sentence in str(raised.value)
    assert "that of step 3 is whole: make room and run the same command" in str(raised.value)
    assert_is_of_step(checkpoints.newest(), 3)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000003.npz"]


def test_remains_are_removed_and_nothing_else(tmp_path):
    checkpoints = write(tmp_path, 3)
    (tmp_path / ".f00.unfinished").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    checkpoints.prepare()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "step-000000003.npz"]


def test_hosts_take_the_newest_that_all_of_them_can_read(tmp_path):
    first = write(tmp_path / "first", 3, 5, 8)
    second = write(tmp_path / "second", 3, 5)
    second.path(5).write_bytes(b"cut off")
    answers = iter([{3, 5}, set(), {3}])  # of all hosts: there, readable, readable
    asked = []

    def common(steps):
        asked.append({*steps})
        return next(answers)

    assert_is_of_step(first.newest(common), 3)
    assert asked == [{3, 5, 8}, {5}, {3}]
    answers, asked = iter([{3, 5}, set(), {3}]), []
    with pytest.warns(UserWarning, match="step-000000005.npz cannot be read"):
        assert_is_of_step(second.newest(common), 3)
    assert asked == [{3, 5}, set(), {3}]
