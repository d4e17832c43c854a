"""A residual generator in the style of R3GAN: no normalisation anywhere.

B batch, Z latent_dim, H height, W width, C channels.
"""

import keras
import tensorflow as tf

from tfzoo.layers import ConditionalLatent, ResidualBlock, scaled_normal, upsample
from tfzoo.models.arguments import require_classes, require_dims, require_ints
from tfzoo.models.gan.image_sides import doublings


@keras.saving.register_keras_serializable(package="tfzoo")
class ResidualGenerator(keras.Model):
    """Latent vectors to images: a learned small image, then stages of residual blocks.

    The small image is a constant, each channel of it scaled by a linear function of the latent
    vector. Between stages images are doubled by bilinear interpolation.

    Args:
        image_shape: tuple (H, W, C); sides as in `DCGANGenerator`.
        widths: tuple of int, channels of each stage from the smallest image on; one stage more than
            there are doublings.
        blocks_per_stage: int.
        num_classes: optional int; the generator is then told a label.
        expansion: int, widening inside a block, see `tfzoo.layers.ResidualBlock`.
        group_size: int, channels of a group inside a block; must divide every widened width.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: latents float (B, Z), or `[latents, labels]` with labels int (B,).
        training: bool, without effect.

    Returns:
        float32 (B, H, W, C), not squashed: `GAN.generate` cuts it off at -1 and 1.

    Source: Huang et al. 2024, "The GAN is dead; long live the GAN!" (R3GAN), section 3. We
    interpolate bilinearly where the authors filter with (1, 2, 1).
    """

    def __init__(
        self,
        image_shape,
        widths=(192, 128, 96),
        blocks_per_stage=2,
        num_classes=None,
        expansion=2,
        group_size=16,
        **kwargs,
    ):
        super().__init__(**kwargs)
        sides, number = doublings(image_shape)
        require_dims(widths=widths)
        require_stages(widths, image_shape, number)
        require_ints(blocks_per_stage=blocks_per_stage, expansion=expansion, group_size=group_size)
        require_classes(num_classes)

        # Layers
        def linear(width, name):
            return keras.layers.Conv2D(
                width,
                1,
                use_bias=False,
                kernel_initializer=scaled_normal(1.0, gain=1.0),
                dtype=self.dtype_policy,
                name=name,
            )

        self.condition = None
        if num_classes:
            self.condition = ConditionalLatent(
                num_classes, widths[0] // 4 or 1, dtype=self.dtype_policy, name="condition"
            )
        self.scales = keras.layers.Dense(
            widths[0],
            use_bias=False,
            kernel_initializer=scaled_normal(1.0, gain=1.0),
            dtype=self.dtype_policy,
            name="scales",
        )
        self.basis = self.add_weight(
            name="basis",
            shape=(*sides, widths[0]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        self.stages = [
            [
                ResidualBlock(
                    expansion,
                    group_size,
                    blocks_per_stage * len(widths),
                    dtype=self.dtype_policy,
                    name=f"stage_{stage}_block_{n}",
                )
                for n in range(blocks_per_stage)
            ]
            for stage in range(len(widths))
        ]
        self.transitions = [linear(width, f"transition_{n}") for n, width in enumerate(widths[1:])]
        self.images = linear(image_shape[-1], "images")

        # Config
        self.image_shape = tuple(image_shape)
        self.widths = tuple(widths)
        self.blocks_per_stage = blocks_per_stage
        self.num_classes = num_classes
        self.expansion = expansion
        self.group_size = group_size

    def call(self, inputs, training=False):
        """Returns images."""
        x = self.condition(*inputs) if self.condition else inputs
        x = self.scales(x)[:, None, None] * tf.cast(self.basis.value, self.compute_dtype)
        for transition, blocks in zip([None, *self.transitions], self.stages, strict=True):
            x = upsample(transition(x)) if transition else x
            for block in blocks:
                x = block(x)
        return tf.cast(self.images(x), tf.float32)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "widths": self.widths,
            "blocks_per_stage": self.blocks_per_stage,
            "num_classes": self.num_classes,
            "expansion": self.expansion,
            "group_size": self.group_size,
        }


def require_stages(widths, image_shape, number):
    """Raises a `ValueError` unless there is one stage more than doublings."""
    if len(widths) != number + 1:
        raise ValueError(
            f"`widths` must have {number + 1} numbers for images of shape {tuple(image_shape)}, "
            f"one for each size from the smallest to the whole; received {tuple(widths)}."
        )
