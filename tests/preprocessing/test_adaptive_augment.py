import json

import keras
import numpy as np

from tfzoo.preprocessing import AdaptiveAugment, DiffAugment

RNG = np.random.default_rng(5)
IMAGES = RNG.uniform(-1, 1, (1000, 8, 8, 1)).astype("float32")


def test_each_change_comes_with_the_probability():
    augment = AdaptiveAugment(DiffAugment("color,cutout"))
    assert augment.num_random == 3 + 2 + 2
    noise = RNG.uniform(size=(1000, 7)).astype("float32")
    np.testing.assert_array_equal(augment(IMAGES, noise, 0.0), IMAGES)
    np.testing.assert_array_equal(
        augment(IMAGES, noise, 1.0), DiffAugment("color,cutout")(IMAGES, noise[:, :5])
    )
    found = augment(IMAGES, noise, 0.3).numpy()
    is_coloured, is_cut = (noise[:, 5:] < 0.3).T
    coloured = DiffAugment("color")(IMAGES, noise[:, :3]).numpy()
    expected = np.where(is_coloured[:, None, None, None], coloured, IMAGES)
    cut = DiffAugment("cutout")(expected, noise[:, 3:5]).numpy()
    expected = np.where(is_cut[:, None, None, None], cut, expected)
    np.testing.assert_array_equal(found, expected)


def test_the_probability_follows_the_signs():
    augment = AdaptiveAugment(target=0.6, num_images=1000)
    np.testing.assert_allclose(augment.next_probability(0.25, 0.7, 64.0), 0.25 + 0.064)
    np.testing.assert_allclose(augment.next_probability(0.25, 0.5, 64.0), 0.25 - 0.064)
    np.testing.assert_allclose(augment.next_probability(0.25, 0.6, 64.0), 0.25)
    assert augment.next_probability(0.0, -1.0, 64.0) == 0
    assert augment.next_probability(0.99, 1.0, 64.0) == 1


def test_a_config_makes_it_again():
    augment = AdaptiveAugment(DiffAugment("cutout"), target=0.5, num_images=7)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(augment)))
    twin = keras.saving.deserialize_keras_object(config)
    assert (twin.augment.policy, twin.target, twin.num_images) == ("cutout", 0.5, 7)
