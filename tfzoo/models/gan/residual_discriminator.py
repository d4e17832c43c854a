"""A residual discriminator in the style of R3GAN: the generator's mirror image.

B batch, H height, W width, C channels.
"""

import keras
import tensorflow as tf

from tfzoo.layers import ProjectionLogit, ResidualBlock, downsample, scaled_normal
from tfzoo.models.arguments import require_classes, require_dims, require_ints
from tfzoo.models.gan.image_sides import doublings
from tfzoo.models.gan.residual_generator import require_stages


@keras.saving.register_keras_serializable(package="tfzoo")
class ResidualDiscriminator(keras.Model):
    """Images to logits: stages of residual blocks, halved in between, then one number.

    The smallest image becomes a vector by one weight for each pixel and channel.

    Args:
        image_shape: tuple (H, W, C), C times as large when samples are packed; sides as in
            `DCGANGenerator`.
        widths: tuple of int, channels of each stage from the whole image on; one stage more than
            there are halvings.
        blocks_per_stage: int.
        num_classes: optional int; the discriminator then also asks whether the label fits.
        expansion: int, widening inside a block, see `tfzoo.layers.ResidualBlock`.
        group_size: int, channels of a group inside a block; must divide every widened width.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: images float (B, H, W, C), or `[images, labels]` with labels int (B,).
        training: bool, without effect.

    Returns:
        Logits (B, 1).

    Source: Huang et al. 2024, "The GAN is dead; long live the GAN!" (R3GAN), section 3. We halve
    by means of 2 x 2 pixels where the authors filter with (1, 2, 1).
    """

    def __init__(
        self,
        image_shape,
        widths=(96, 128, 192),
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

        self.extraction = linear(widths[0], "extraction")
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
        self.basis = self.add_weight(
            name="basis",
            shape=(*sides, widths[-1]),
            initializer=keras.initializers.RandomNormal(stddev=(sides[0] * sides[1]) ** -0.5),
        )
        self.logit = ProjectionLogit(num_classes, dtype=self.dtype_policy, name="logit")

        # Config
        self.image_shape = tuple(image_shape)
        self.widths = tuple(widths)
        self.blocks_per_stage = blocks_per_stage
        self.num_classes = num_classes
        self.expansion = expansion
        self.group_size = group_size

    def call(self, inputs, training=False):
        """Returns logits."""
        x, labels = inputs if self.num_classes else (inputs, None)
        x = self.extraction(x)
        for transition, blocks in zip([None, *self.transitions], self.stages, strict=True):
            x = transition(downsample(x)) if transition else x
            for block in blocks:
                x = block(x)
        vectors = tf.einsum("bhwc,hwc->bc", x, tf.cast(self.basis.value, x.dtype))
        return self.logit(vectors, labels)

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
