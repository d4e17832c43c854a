import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from tfzoo.data import Images, digits, load_images, split_images


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    whole = load_images("digits")
    assert whole.images.shape == (1797, 8, 8, 1)
    grey_of_count = np.array([round(count * 255 / 16) for count in range(17)])
    counts = load_digits().images.astype(int)
    assert_array_equal(whole.images[..., 0], grey_of_count[counts])
    assert_array_equal(whole.labels, load_digits().target)
    assert whole.class_names == tuple("0123456789")


def test_digits_are_split_by_image():
    train, validation, test = digits(validation=0.1)
    assert [len(part.images) for part in (train, validation, test)] == [1240, 174, 383]
    pixels = [{image.tobytes() for image in part.images} for part in (train, validation, test)]
    assert not pixels[0] & pixels[2] and not pixels[0] & pixels[1] and not pixels[1] & pixels[2]
    assert_array_equal(load_images("digits", split="test").images, test.images)
    assert_array_equal(load_images("digits", split="train").labels, digits().train.labels)
    assert not np.array_equal(digits(seed=1).test.images[:100], test.images[:100])


def test_where_an_image_goes_does_not_depend_on_the_others():
    random = np.random.default_rng(3)
    everything = Images(random.integers(256, size=(101, 3, 2, 1), dtype=np.uint8), np.arange(101))
    whole = split_images(everything, validation=0.2, test=0.3)
    some = split_images(everything.take(np.arange(0, 101, 2)), validation=0.2, test=0.3)
    for part, all_of_it in zip(some, whole, strict=True):
        assert_array_equal(part.labels, [n for n in all_of_it.labels if n % 2 == 0])
    assert sorted(np.concatenate([part.labels for part in whole])) == list(range(101))
    assert_array_equal(
        split_images(everything, validation=0.4, test=0.3).test.labels, whole.test.labels
    )


def test_split_says_what_is_wrong():
    three = Images(np.zeros([3, 2, 2, 1], np.uint8))
    with pytest.raises(ValueError, match="sum to less than 1, got validation=0.5 and test=0.5"):
        split_images(three, validation=0.5, test=0.5)
    with pytest.raises(ValueError, match="The test part is empty .*: 3 images are too few"):
        split_images(three, test=0.01)
    with pytest.raises(ValueError, match="split must be 'train' or 'test' for 'digits', got 'dev'"):
        load_images("digits", split="dev")


def test_number_of_classes():
    pixels = np.zeros([3, 2, 2, 1], np.uint8)
    assert Images(pixels).num_classes is None
    assert Images(pixels, np.array([0, 4, 1])).num_classes == 5
    assert Images(pixels, np.array([0, 1, 1]), ("a", "b", "c")).num_classes == 3


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float64])
def test_arrays(dtype):
    values = np.array([-1, -0.5, 0, 1]) if np.dtype(dtype).kind == "f" else [0, 7, 128, 255]
    array = np.array(values, dtype).reshape(2, 2, 1)
    loaded = load_images(array, labels=[4, 2])
    assert loaded.images.shape == (2, 2, 1, 1)
    assert loaded.images.dtype == (np.float32 if np.dtype(dtype).kind == "f" else np.uint8)
    assert_array_equal(loaded.images[..., 0], array)
    assert_array_equal(loaded.labels, [4, 2])
    assert load_images(loaded) is loaded


@pytest.mark.parametrize(
    ("array", "labels", "message"),
    [
        (np.full([2, 3, 3], 255.0), None, r"floats in \[-1, 1\], got float64 from 255.0 to 255.0"),
        (np.full([2, 3, 3], np.nan), None, "got float64 from nan to nan: scale it first"),
        (np.full([2, 3, 3], 256), None, "integers in .* got int64 from 256 to 256"),
        (np.full([2, 3, 3], True), None, "integers in .* got bool"),
        (np.zeros([2, 3]), None, r"got the shape \(2, 3\)"),
        (np.zeros([0, 3, 3, 1]), None, r"not empty, got the shape \(0, 3, 3, 1\)"),
        (np.zeros([2, 3, 3]), [1, 2, 3], r"labels must be 2 integers .* shape \(3,\)"),
        (np.zeros([2, 3, 3]), [0.5, 2], "labels must be 2 integers .* got float64"),
        (np.zeros([2, 3, 3]), [-1, 2], "labels must be 2 integers from 0"),
    ],
)
def test_arrays_that_are_no_images(array, labels, message):
    with pytest.raises(ValueError, match=message):
        load_images(array, labels)


def test_something_else():
    with pytest.raises(TypeError, match="source must be a path.* got int"):
        load_images(5)


def test_fashion_mnist(data_dir):
    loaded = load_images("tfds:fashion_mnist", split="test[:13]", data_dir=data_dir / "tfds")
    assert loaded.images.shape == (13, 28, 28, 1) and loaded.images.dtype == np.uint8
    assert loaded.class_names[0] == "T-shirt/top" and loaded.num_classes == 10
    assert loaded.labels.dtype == np.int32 and len(loaded.labels) == 13


def test_a_dataset_without_images(data_dir):
    with pytest.raises(ValueError, match="tfds:tiny_shakespeare has no field 'image'; it has text"):
        load_images("tfds:tiny_shakespeare", data_dir=data_dir / "tfds")
    with pytest.raises(FileNotFoundError, match="tfds:mnist is not prepared in"):
        load_images("tfds:mnist", data_dir=data_dir / "tfds")


def test_one_size_means_a_square(tmp_path):
    pixels = np.random.default_rng(3).integers(256, size=(7, 11, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    square = load_images(tmp_path, image_size=5).images
    assert_array_equal(square, load_images(tmp_path, image_size=(5, 5)).images)
    for size in (0, 2.5, (5,), (5, -1), "5"):
        with pytest.raises(ValueError, match=r"image_size must be \(height, width\), or one int"):
            load_images(tmp_path, image_size=size)


@pytest.mark.parametrize(
    ("source", "arguments", "sentence"),
    [
        ("digits", dict(image_size=(4, 4)), "`image_size` must be left out for 'digits': split"),
        ("tfds:mnist", dict(labels=[1]), "`labels` must be left out for 'tfds:...': split and"),
        ("nowhere", dict(split="test"), "`split` must be left out for files: channels and"),
        (np.zeros([2, 3, 5], np.uint8), dict(channels=3), "for an array: labels can be given"),
    ],
)
def test_arguments_without_effect_are_refused(source, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_images(source, **arguments)
