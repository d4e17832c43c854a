"""Small GANs: B 6, Z 5, samples of shape (3,) or (2, 3, 1), 7 classes."""

import numpy as np
import pytest

from tfzoo.models import GAN, MLPDiscriminator, MLPGenerator


@pytest.fixture
def rng():
    return np.random.default_rng(1729)


def mlp_gan(shape=(2, 3, 1), num_classes=None, packing=1, **arguments):
    return GAN(
        MLPGenerator(shape, (11, 13), num_classes, **arguments),
        MLPDiscriminator((13, 11), num_classes, **arguments),
        latent_dim=5,
        num_classes=num_classes,
        packing=packing,
        seed=3,
    )
