import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from tfzoo.data import load_images


def write(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return array


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


@pytest.fixture
def pets(tmp_path):
    """Two classes, one of them deeper than the other, and what is no image."""
    folder = tmp_path / "pets"
    pixels = [
        write(folder / "cat" / "a.png", noise(0, 5, 7)),
        write(folder / "cat" / "old" / "b.PNG", noise(1, 5, 7)),
        write(folder / "dog" / "a.bmp", noise(2, 5, 7)),
    ]
    (folder / "cat" / "notes.txt").write_text("no image")
    write(folder / ".thumbnails" / "a.png", noise(3, 2, 2))
    return folder, np.stack(pixels)[..., None]


def test_sub_folders_are_classes(pets):
    folder, pixels = pets
    loaded = load_images(folder)
    assert_array_equal(loaded.images, pixels)
    assert_array_equal(loaded.labels, [0, 0, 1])
    assert loaded.class_names == ("cat", "dog")


def test_without_sub_folders_there_are_no_classes(pets):
    folder, pixels = pets
    assert load_images(folder / "dog").labels is None
    extra = write(folder / "x.png", noise(4, 5, 7))
    loaded = load_images(str(folder))
    assert loaded.labels is None and loaded.class_names == ()
    assert_array_equal(loaded.images, [*pixels, extra[..., None]])


def test_patterns_and_single_files(pets):
    folder, pixels = pets
    assert_array_equal(load_images(f"{folder}/*/a.*").images, pixels[[0, 2]])
    assert_array_equal(load_images(folder / "dog" / "a.bmp").images, pixels[[2]])


def test_channels(tmp_path):
    colour = write(tmp_path / "a.png", noise(0, 5, 7, 3))
    assert_array_equal(load_images(tmp_path).images, [colour])
    grey = load_images(tmp_path, channels=1).images[0, ..., 0]
    # ITU-R 601: how bright red, green and blue are.
    assert_allclose(grey, colour @ [0.299, 0.587, 0.114], atol=1)
    clear = write(tmp_path / "a.png", noise(1, 5, 7, 4))
    assert_array_equal(load_images(tmp_path).images, [clear])
    with pytest.raises(ValueError, match="channels must be 1, 3, 4 or None, got 2"):
        load_images(tmp_path, channels=2)


def test_resizing_crops_at_the_centre(tmp_path):
    stripes = np.zeros([4, 12], np.uint8)
    stripes[:, 4:8] = np.repeat(np.arange(4, dtype=np.uint8)[:, None] * 60, 4, axis=1)
    write(tmp_path / "a.png", stripes)
    assert_array_equal(load_images(tmp_path, image_size=(4, 4)).images[0, ..., 0], stripes[:, 4:8])
    halved = load_images(tmp_path, image_size=(2, 2)).images[0, ..., 0]
    assert_allclose(halved, np.repeat([[30], [150]], 2, axis=1), atol=12)


def test_a_photograph_stands_as_its_camera_said(tmp_path):
    rotation = Image.Exif()
    rotation[0x0112] = 6  # turn it clockwise by a quarter
    pixels = write(tmp_path / "a.png", noise(0, 5, 7), exif=rotation)
    assert_array_equal(load_images(tmp_path).images[0, ..., 0], np.rot90(pixels, -1))


def test_one_size_among_others_is_named(pets):
    folder, _ = pets
    write(folder / "dog" / "b.png", noise(5, 3, 2))
    with pytest.raises(ValueError, match=r"dog/b.png is 3x2 .*cat/a.png is 5x7: .*image_size="):
        load_images(folder)
    assert load_images(folder, image_size=(4, 4)).images.shape == (4, 4, 4, 1)


def test_one_kind_among_others_is_named(pets):
    folder, _ = pets
    write(folder / "dog" / "b.png", noise(5, 5, 7, 3))
    with pytest.raises(ValueError, match="dog/b.png has 3 channels, but .*cat/a.png has 1"):
        load_images(folder)
    assert load_images(folder, channels=3).images.shape == (4, 5, 7, 3)


def test_more_than_eight_bits_are_named(tmp_path):
    write(tmp_path / "deep.png", np.full([3, 3], 40000, np.uint16))
    with pytest.raises(ValueError, match="deep.png has pixels of the kind 'I;16', more than 8"):
        load_images(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not an image", "cut"])
def test_a_damaged_file_is_named(pets, content):
    folder, _ = pets
    path = folder / "dog" / "broken.png"
    write(path, noise(6, 5, 7))
    path.write_bytes(path.read_bytes()[:60] if content == "cut" else content)
    with pytest.raises(ValueError, match="dog/broken.png is damaged or no image: .*Replace it"):
        load_images(folder)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"'{tmp_path}' has no image: expected files in"):
        load_images(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no file or folder '.*nowhere': check"):
        load_images(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="has no image"):
        load_images(f"{tmp_path}/*.png")
