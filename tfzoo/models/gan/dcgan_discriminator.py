"""The discriminator of DCGAN: strided convolutions that halve an image until little is left.

B batch, H height, W width, C channels.
"""

import keras
import tensorflow as tf

from tfzoo.layers import (
    BatchNorm,
    ConvolutionOfImage,
    Dropout,
    ProjectionLogit,
    SpectralNorm,
    leaky_relu,
)
from tfzoo.models.arguments import require_classes, require_ints
from tfzoo.models.gan.image_sides import doublings


@keras.saving.register_keras_serializable(package="tfzoo")
class DCGANDiscriminator(keras.Model):
    """Images to logits: strided convolutions with leaky ReLUs, then one dense layer.

    Args:
        image_shape: tuple (H, W, C), C times as large when samples are packed; sides as in
            `DCGANGenerator`.
        base_dim: int, channels of the first hidden image; each smaller image has twice as many.
        num_classes: optional int; the discriminator then also asks whether the label fits.
        kernel_size: int.
        batch_norm: bool, normalise every hidden image but the first over the batch.
        spectral_norm: bool, bound every convolution's slope, see `tfzoo.layers.SpectralNorm`.
        dropout: float in [0, 1), after each convolution.
        negative_slope: float, of the leaky ReLUs.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: images float (B, H, W, C), or `[images, labels]` with labels int (B,).
        training: bool, whether dropout acts and batches are normalised by their own moments.

    Returns:
        Logits (B, 1).

    Source: Radford et al. 2016, "Unsupervised representation learning with deep convolutional
    generative adversarial networks", section 3.
    """

    def __init__(
        self,
        image_shape,
        base_dim=64,
        num_classes=None,
        kernel_size=4,
        batch_norm=False,
        spectral_norm=False,
        dropout=0.3,
        negative_slope=0.2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        _, number = doublings(image_shape)
        require_ints(base_dim=base_dim, kernel_size=kernel_size)
        require_classes(num_classes)

        # Layers
        def convolution(width, name, kind=keras.layers.Conv2D):
            layer = kind(
                width,
                kernel_size,
                strides=2,
                padding="same",
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
                dtype=self.dtype_policy,
                name=name,
            )
            return SpectralNorm(layer, name=f"normal_{name}") if spectral_norm else layer

        def norm(name):
            return BatchNorm(dtype=self.dtype_policy, name=name) if batch_norm else None

        self.convolutions = [
            convolution(
                base_dim * 2**n,
                f"convolution_{n}",
                keras.layers.Conv2D if n else ConvolutionOfImage,
            )
            for n in range(number)
        ]
        self.norms = [None, *(norm(f"norm_{n}") for n in range(1, number))]
        self.dropouts = [
            Dropout(dropout, dtype=self.dtype_policy, name=f"dropout_{n}") for n in range(number)
        ]
        self.logit = ProjectionLogit(num_classes, dtype=self.dtype_policy, name="logit")

        # Config
        self.image_shape = tuple(image_shape)
        self.base_dim = base_dim
        self.num_classes = num_classes
        self.kernel_size = kernel_size
        self.batch_norm = batch_norm
        self.spectral_norm = spectral_norm
        self.dropout = dropout
        self.negative_slope = negative_slope

    def call(self, inputs, training=False):
        """Returns logits."""
        x, labels = inputs if self.num_classes else (inputs, None)
        parts = zip(self.convolutions, self.norms, self.dropouts, strict=True)
        for convolution, norm, dropout in parts:
            x = convolution(x, training=training) if self.spectral_norm else convolution(x)
            x = norm(x, training=training) if norm else x
            x = dropout(leaky_relu(x, self.negative_slope), training=training)
        return self.logit(tf.reshape(x, [-1, x.shape[1:].num_elements()]), labels)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "base_dim": self.base_dim,
            "num_classes": self.num_classes,
            "kernel_size": self.kernel_size,
            "batch_norm": self.batch_norm,
            "spectral_norm": self.spectral_norm,
            "dropout": self.dropout,
            "negative_slope": self.negative_slope,
        }
