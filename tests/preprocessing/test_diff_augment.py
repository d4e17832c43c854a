import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.preprocessing import DiffAugment

RNG = np.random.default_rng(5)
IMAGES = RNG.uniform(-1, 1, (3, 16, 24, 3)).astype("float32")


def test_colour_is_brightness_then_saturation_then_contrast():
    noise = np.array([[0.5, 0.5, 0.5], [0.9, 0.0, 0.25], [0.1, 0.75, 1.0]], "float32")
    found = DiffAugment("color")(IMAGES, noise).numpy()
    np.testing.assert_allclose(found[0], IMAGES[0], atol=1e-6)  # in the middle nothing changes
    for image, changed, (b, s, c) in zip(IMAGES, found, noise, strict=True):
        image = image + (b - 0.5)
        grey = image.mean(axis=2, keepdims=True)
        image = grey + 2 * s * (image - grey)
        image = image.mean() + (0.5 + c) * (image - image.mean())
        np.testing.assert_allclose(changed, image, atol=1e-5)


def test_translation_moves_by_at_most_an_eighth_and_fills_with_grey():
    # 16 rows: -2 to 2; 24 columns: -3 to 3.
    noise = np.array([[0.0, 0.0], [0.5, 0.5], [0.999, 0.6]], "float32")
    found = DiffAugment("translation")(IMAGES, noise).numpy()
    expected = np.zeros_like(IMAGES)
    expected[0, :-2, :-3] = IMAGES[0, 2:, 3:]
    expected[1] = IMAGES[1]
    expected[2, 2:, 1:] = IMAGES[2, :-2, :-1]
    np.testing.assert_array_equal(found, expected)


def test_every_shift_is_as_likely_as_any_other():
    image = np.zeros([1, 16, 8, 1], "float32")
    image[0, 8, 4] = 1
    noise = np.stack([np.linspace(0, 1, 5000, endpoint=False)] * 2, axis=1).astype("float32")
    found = DiffAugment("translation")(np.repeat(image, 5000, axis=0), noise).numpy()
    np.testing.assert_array_equal(found.sum((0, 2, 3))[6:11], [1000] * 5)


def test_cutout_is_half_of_each_side_and_may_stick_out():
    noise = np.array([[0.0, 0.5], [0.5, 0.5], [0.999, 0.999]], "float32")
    found = DiffAugment("cutout")(np.ones_like(IMAGES), noise).numpy()
    expected = np.ones_like(IMAGES)
    expected[0, :4, 6:18] = 0  # 8 rows around row 0, 12 columns around column 12
    expected[1, 4:12, 6:18] = 0
    expected[2, 12:, 18:] = 0
    np.testing.assert_array_equal(found, expected)


def test_the_order_is_the_policy_and_numbers_go_in_turn():
    noise = RNG.uniform(size=(3, 4)).astype("float32")
    both = DiffAugment("cutout,translation")
    assert both.num_random == 4
    expected = DiffAugment("translation")(DiffAugment("cutout")(IMAGES, noise[:, :2]), noise[:, 2:])
    np.testing.assert_array_equal(both(IMAGES, noise), expected)


def test_gradients_pass_and_equal_inside_xla():
    augment = DiffAugment()
    noise = tf.constant(RNG.uniform(size=(3, augment.num_random)), tf.float32)
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        changed = augment(images, noise)
    assert np.abs(tape.gradient(changed, images)).max() > 0
    compiled = tf.function(augment, jit_compile=True)
    np.testing.assert_allclose(compiled(images, noise), changed, atol=1e-5)


def test_a_config_makes_it_again():
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(DiffAugment("cutout"))))
    assert keras.saving.deserialize_keras_object(config).policy == "cutout"
    with pytest.raises(ValueError, match="color, translation, cutout.* received 'colour'"):
        DiffAugment("cutout,colour")
