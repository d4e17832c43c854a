"""The generator of DCGAN: transposed convolutions that double an image until it is large enough.

B batch, Z latent_dim, H height, W width, C channels.
"""

import keras
import tensorflow as tf

from tfzoo.layers import BatchNorm, ConditionalLatent, ConvolutionToImage, leaky_relu
from tfzoo.models.arguments import require_classes, require_ints
from tfzoo.models.gan.image_sides import doublings


@keras.saving.register_keras_serializable(package="tfzoo")
class DCGANGenerator(keras.Model):
    """Latent vectors to images: a dense layer, then strided transposed convolutions.

    Args:
        image_shape: tuple (H, W, C); H and W are 4 to 7 pixels doubled at least once: 28 is 7 -> 14
            -> 28, 64 is 4 -> 8 -> 16 -> 32 -> 64.
        base_dim: int, channels of the last hidden image; each smaller image has twice as many.
        num_classes: optional int; the generator is then told a label.
        kernel_size: int.
        batch_norm: bool, normalise every hidden image over the batch.
        negative_slope: float, of the leaky ReLUs; 0 makes them plain ones, as in the paper.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: latents float (B, Z), or `[latents, labels]` with labels int (B,).
        training: bool, whether batches are normalised by their own moments.

    Returns:
        float32 (B, H, W, C) in [-1, 1].

    Source: Radford et al. 2016, "Unsupervised representation learning with deep convolutional
    generative adversarial networks", section 3 and figure 1.
    """

    def __init__(
        self,
        image_shape,
        base_dim=64,
        num_classes=None,
        kernel_size=4,
        batch_norm=True,
        negative_slope=0.2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        sides, number = doublings(image_shape)
        require_ints(base_dim=base_dim, kernel_size=kernel_size)
        require_classes(num_classes)
        widths = [base_dim * 2**n for n in reversed(range(number))]

        # Layers
        def norm(name):
            return BatchNorm(dtype=self.dtype_policy, name=name) if batch_norm else None

        def convolution(width, name, bias, kind=keras.layers.Conv2DTranspose):
            return kind(
                width,
                kernel_size,
                strides=2,
                padding="same",
                use_bias=bias,
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
                dtype=self.dtype_policy,
                name=name,
            )

        self.condition = None
        if num_classes:
            self.condition = ConditionalLatent(
                num_classes, base_dim // 2 or 1, dtype=self.dtype_policy, name="condition"
            )
        self.first = keras.layers.Dense(
            sides[0] * sides[1] * widths[0],
            use_bias=not batch_norm,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name="first",
        )
        self.norms = [norm(f"norm_{n}") for n in range(number)]
        self.convolutions = [
            convolution(width, f"convolution_{n}", not batch_norm)
            for n, width in enumerate(widths[1:])
        ]
        self.images = convolution(image_shape[-1], "images", True, ConvolutionToImage)

        # Config
        self.image_shape = tuple(image_shape)
        self.first_shape = (*sides, widths[0])
        self.base_dim = base_dim
        self.num_classes = num_classes
        self.kernel_size = kernel_size
        self.batch_norm = batch_norm
        self.negative_slope = negative_slope

    def call(self, inputs, training=False):
        """Returns images."""
        x = self.condition(*inputs) if self.condition else inputs
        x = tf.reshape(self.first(x), [-1, *self.first_shape])
        for norm, convolution in zip(self.norms, [*self.convolutions, self.images], strict=True):
            x = norm(x, training=training) if norm else x
            x = convolution(leaky_relu(x, self.negative_slope))
        return tf.tanh(tf.cast(x, tf.float32))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "base_dim": self.base_dim,
            "num_classes": self.num_classes,
            "kernel_size": self.kernel_size,
            "batch_norm": self.batch_norm,
            "negative_slope": self.negative_slope,
        }
