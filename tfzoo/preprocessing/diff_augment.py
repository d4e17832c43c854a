"""Changes of images with derivatives: a discriminator sees real and generated ones through them.

B batch, H height, W width, C channels. Noise is uniform in [0, 1), one row for each image.
"""

import keras
import tensorflow as tf

TRANSLATION = 1 / 8
CUTOUT = 1 / 2


def change_colour(images, noise):
    """Brightness by up to 0.5, saturation by up to twice, contrast by half to one and a half.

    Args:
        images: float (B, H, W, C).
        noise: float (B, 3).

    Returns:
        Like images.
    """
    brightness, saturation, contrast = (noise[:, n, None, None, None] for n in range(3))
    images = images + brightness - 0.5
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = (images - grey) * 2 * saturation + grey
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return (images - mean) * (contrast + 0.5) + mean


def translate(images, noise):
    """Shifts by whole pixels, up to an eighth of each side; what comes in is 0, mid-grey.

    Args:
        images: float (B, H, W, C).
        noise: float (B, 2).

    Returns:
        Like images.
    """
    height, width = images.shape[1:3]
    images = tf.einsum("boi,biwc->bowc", _shift(noise[:, 0], height, images.dtype), images)
    return tf.einsum("boi,bhic->bhoc", _shift(noise[:, 1], width, images.dtype), images)


def cut_out(images, noise):
    """Sets a rectangle of half the sides, which may stick out, to 0, mid-grey.

    Args:
        images: float (B, H, W, C).
        noise: float (B, 2).

    Returns:
        Like images.
    """
    height, width = images.shape[1:3]
    rows, columns = _inside(noise[:, 0], height), _inside(noise[:, 1], width)
    keep = ~(rows[:, :, None] & columns[:, None, :])
    return images * tf.cast(keep[..., None], images.dtype)


# The numbers of uniform random numbers that they take.
POLICY = {"color": (change_colour, 3), "translation": (translate, 2), "cutout": (cut_out, 2)}


@keras.saving.register_keras_serializable(package="tfzoo")
class DiffAugment:
    """Colour, translation and cutout, for both players and with derivatives.

    Few images suffice when the discriminator never sees one twice alike. Since generated images
    are changed too, and the gradient passes through, the generator does not learn the changes.

    Args:
        policy: comma-separated names of "color", "translation" and "cutout", applied in this order.

    Call arguments:
        images: float (B, H, W, C) in [-1, 1].
        noise: float (B, num_random), uniform in [0, 1).

    Returns:
        Like images; colours may leave [-1, 1].

    Example:
        ```python
        import tensorflow as tf
        from tfzoo.preprocessing import DiffAugment

        augment = DiffAugment("translation,cutout")
        changed = augment(tf.ones([3, 8, 8, 1]), tf.random.uniform([3, augment.num_random]))
        assert set(changed.numpy().ravel()) == {0.0, 1.0}
        ```

    Source: Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training",
    section 3.2 and appendix; sizes as in the authors' program.
    """

    def __init__(self, policy="color,translation,cutout"):
        unknown = [name for name in policy.split(",") if name not in POLICY]
        if unknown:
            raise ValueError(
                f"`policy` must name some of {', '.join(POLICY)}, with commas between them; "
                f"received {unknown[0]!r}."
            )
        self.policy = policy
        # Pairs of a function and the number of its random numbers.
        self.transforms = [POLICY[name] for name in policy.split(",")]
        self.num_random = sum(number for _, number in self.transforms)

    def __call__(self, images, noise):
        """Changes every image."""
        start = 0
        for transform, number in self.transforms:
            images = transform(images, noise[:, start : start + number])
            start += number
        return images

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"policy": self.policy}

    @classmethod
    def from_config(cls, config):
        """Restores the augmentation."""
        return cls(**config)


def _shift(noise, size, dtype):
    """Matrices (B, size, size) that shift an axis: row o has its 1 at the pixel that goes to o."""
    reach = int(size * TRANSLATION + 0.5)
    shift = tf.cast(tf.floor(noise * (2 * reach + 1)), tf.int32) - reach
    return tf.one_hot(tf.range(size)[None] - shift[:, None], size, dtype=dtype)


def _inside(noise, size):
    """Which pixels (B, size) of an axis lie in the rectangle."""
    extent = int(size * CUTOUT + 0.5)
    places = size + 1 - extent % 2
    start = tf.cast(tf.floor(noise * places), tf.int32)[:, None] - extent // 2
    pixels = tf.range(size)[None]
    return (pixels >= start) & (pixels < start + extent)
