import json

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from tfzoo.checkpoints import read_tensors, write_tensors


@pytest.fixture
def arrays():
    generator = np.random.default_rng(5)
    return {"a": generator.normal(size=(2, 3)).astype("float32"), "b/c": np.float32([7, 11, 13])}


def test_tensors_come_back_bit_for_bit(tmp_path, arrays):
    write_tensors(tmp_path, arrays)
    tensors = read_tensors(tmp_path)
    assert tensors.keys() == arrays.keys()
    for name, array in arrays.items():
        assert tensors[name].shape == array.shape
        np.testing.assert_array_equal(np.asarray(tensors[name]), array)


def test_a_transposed_view_is_written_and_read_in_its_own_order(tmp_path, arrays):
    write_tensors(tmp_path, {"a": arrays["a"].T})
    tensor = read_tensors(tmp_path)["a"]
    assert (tensor.shape, tensor.T.shape, tensor.T.T.shape) == ((3, 2), (2, 3), (3, 2))
    np.testing.assert_array_equal(np.asarray(tensor), arrays["a"].T)
    np.testing.assert_array_equal(np.asarray(tensor.T), arrays["a"])
    np.testing.assert_array_equal(np.asarray(tensor.T.T), arrays["a"].T)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16, np.float64])
def test_every_precision_is_read_as_float32(tmp_path, dtype):
    # All of these have few enough bits for each of the types.
    values = [[-1.5, 0.0078125, 3.0], [128.0, -0.5, 1.0]]
    write_tensors(tmp_path, {"a": np.array(values, dtype)})
    array = np.asarray(read_tensors(tmp_path)["a"])
    assert array.dtype == np.float32
    assert array.tolist() == values


def test_integers_are_no_weights(tmp_path):
    write_tensors(tmp_path, {"quantized": np.int8([1, 2])})
    with pytest.raises(ValueError, match="'quantized' in .*must hold floating-point.*received I8"):
        np.asarray(read_tensors(tmp_path)["quantized"])


@pytest.fixture
def sharded(tmp_path, arrays):
    """A folder with one tensor in each of two shards."""
    files = {"a": "model-00001-of-00002.safetensors", "b/c": "model-00002-of-00002.safetensors"}
    for name, file in files.items():
        save_file({name: arrays[name]}, tmp_path / file)
    write_index(tmp_path, files)
    return tmp_path, files


def write_index(folder, files):
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": files}))


def test_shards_are_one_set_of_tensors(sharded, arrays):
    tensors = read_tensors(sharded[0])
    assert tensors.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(np.asarray(tensors[name]), array)


def test_a_missing_shard_is_named(sharded):
    folder, files = sharded
    (folder / files["b/c"]).unlink()
    with pytest.raises(FileNotFoundError, match="model-00002-of-00002.safetensors does not exist"):
        read_tensors(folder)


def test_a_tensor_that_no_shard_has_is_named(sharded):
    folder, files = sharded
    write_index(folder, {**files, "d": files["a"]})
    with pytest.raises(ValueError, match="model-00001-of-00002.safetensors lacks tensor 'd'"):
        read_tensors(folder)


@pytest.mark.parametrize("file", ["../model.safetensors", "/etc/model.safetensors"])
def test_an_index_cannot_lead_elsewhere(tmp_path, file):
    write_index(tmp_path, {"a": file})
    with pytest.raises(ValueError, match="must name files beside it; received '.*model.safetens"):
        read_tensors(tmp_path)


@pytest.mark.parametrize("index", ["[]", '{"weight_map": ["a"]}', '{"weight_map": {"a": 1}}', "{}"])
def test_an_index_must_be_a_map(tmp_path, index):
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(ValueError, match="index.json must hold a"):
        read_tensors(tmp_path)


def test_every_truncated_file_is_named(tmp_path, arrays):
    write_tensors(tmp_path, arrays)
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    for length in (0, 7, 50, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="model.safetensors is not a readable .*truncated"):
            read_tensors(tmp_path)


def test_a_folder_without_tensors_says_what_it_must_hold(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold model.safetensors or .*index.json"):
        read_tensors(tmp_path)
    (tmp_path / "pytorch_model.bin").touch()
    with pytest.raises(FileNotFoundError, match="has neither.*pickled .bin files.*save_pretrained"):
        read_tensors(tmp_path)
