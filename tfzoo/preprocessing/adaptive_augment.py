"""Augmentation as strong as the discriminator's overfitting asks for."""

import keras
import tensorflow as tf

from tfzoo.preprocessing.diff_augment import DiffAugment


@keras.saving.register_keras_serializable(package="tfzoo")
class AdaptiveAugment:
    """Applies each change of an augmentation with a probability that follows the real logits.

    As a discriminator learns its real images by heart, ever more of their logits become positive.
    When the mean of their signs is above `target`, the probability rises, otherwise it falls; it
    begins at 0, and `GAN` keeps it.

    Args:
        augment: a `DiffAugment`; None means all of its changes.
        target: float, the mean sign to hold.
        num_images: int, real images after which the probability could have gone from 0 to 1.

    Call arguments:
        images: float (B, H, W, C) in [-1, 1].
        noise: float (B, num_random), uniform in [0, 1).
        probability: float scalar in [0, 1].

    Returns:
        Like images.

    Source: Karras et al. 2020, "Training generative adversarial networks with limited data" (ADA),
    section 3.1, with r_t and target 0.6. Our changes are fewer than theirs.
    """

    def __init__(self, augment=None, target=0.6, num_images=500_000):
        self.augment = augment or DiffAugment()
        self.target = target
        self.num_images = num_images
        self.num_random = self.augment.num_random + len(self.augment.transforms)

    def __call__(self, images, noise, probability):
        """Changes some images."""
        gates, start = noise[:, self.augment.num_random :], 0
        for place, (transform, number) in enumerate(self.augment.transforms):
            changed = transform(images, noise[:, start : start + number])
            is_on = gates[:, place, None, None, None] < probability
            images = tf.where(is_on, changed, images)
            start += number
        return images

    def next_probability(self, probability, mean_sign, num_images):
        """The probability after some more images.

        Args:
            probability: float scalar, so far.
            mean_sign: float scalar, mean of the signs of the logits of these images.
            num_images: float scalar, how many they were.

        Returns:
            Float scalar in [0, 1].
        """
        step = tf.sign(mean_sign - self.target) * num_images / self.num_images
        return tf.clip_by_value(probability + step, 0.0, 1.0)

    def get_config(self):
        """Returns the constructor's arguments."""
        augment = keras.saving.serialize_keras_object(self.augment)
        return {"augment": augment, "target": self.target, "num_images": self.num_images}

    @classmethod
    def from_config(cls, config):
        """Restores the augmentation."""
        return cls(**{k: keras.saving.deserialize_keras_object(v) for k, v in config.items()})
