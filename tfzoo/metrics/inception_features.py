"""Features of a network trained on ImageNet, when the user has its weights."""

import os

import keras
import numpy as np
import tensorflow as tf

from tfzoo.metrics.pixels import as_bytes

_SIZE = 299
_BATCH = 50


class InceptionFeatures:
    """2,048 features of `keras.applications.InceptionV3`.

    For natural images; nothing is downloaded. Distances over these features are comparable with
    each other, and not with published ones, which come from another copy of the weights.

    Args:
        weights: path of `inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5`, as
            `keras.applications` distributes it.

    Call arguments:
        images: (N, height, width, 1 or 3), uint8 or floats in [-1, 1]; resized to 299x299.

    Returns:
        float32 (N, 2048).
    """

    def __init__(self, weights: str | os.PathLike):
        if not os.path.isfile(weights):
            raise FileNotFoundError(
                f"weights must be the file with InceptionV3's weights, and {os.fspath(weights)!r} "
                "is none: download it once from keras.applications."
            )
        self.network = keras.applications.InceptionV3(
            include_top=False,
            weights=os.fspath(weights),
            pooling="avg",
            input_shape=(_SIZE, _SIZE, 3),
        )

    def __call__(self, images) -> np.ndarray:
        """Extracts features."""
        images = as_bytes(images)
        if images.shape[3] not in (1, 3):
            raise ValueError(f"images must have 1 or 3 channels, got {images.shape[3]}.")
        blocks = range(0, len(images), _BATCH)
        return np.concatenate([self._block(images[start : start + _BATCH]) for start in blocks])

    def _block(self, images):
        images = tf.repeat(images, 3 // images.shape[3], axis=3)
        images = tf.image.resize(images, (_SIZE, _SIZE), antialias=True)
        return self.network(images / 127.5 - 1, training=False).numpy()
