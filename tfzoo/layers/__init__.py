"""Parts with weights. They know shapes, not tasks."""

from tfzoo.layers.activations import gelu_approximate, gelu_by_erf, leaky_relu, relu_squared
from tfzoo.layers.attention import SelfAttention
from tfzoo.layers.batch_norm import BatchNorm
from tfzoo.layers.conditional import ConditionalLatent, ProjectionLogit
from tfzoo.layers.decoder_block import DecoderBlock
from tfzoo.layers.dropout import Dropout
from tfzoo.layers.encoder_block import EncoderBlock
from tfzoo.layers.feed_forward import FeedForward
from tfzoo.layers.image_ends import ConvolutionOfImage, ConvolutionToImage
from tfzoo.layers.key_value_cache import KeyValueCache
from tfzoo.layers.low_rank_update import LowRankUpdate
from tfzoo.layers.masked_lm_head import MaskedLMHead
from tfzoo.layers.masks import attention_penalty, same_document, visible_slots
from tfzoo.layers.normalization import LayerNorm, RMSNorm, rms_normalize
from tfzoo.layers.recompute import recompute
from tfzoo.layers.resampling import downsample, upsample
from tfzoo.layers.residual_block import ResidualBlock, scaled_normal
from tfzoo.layers.rotary import rotary_angles, rotate
from tfzoo.layers.spectral_norm import SpectralNorm
from tfzoo.layers.tied_logits import tied_logits

__all__ = [
    "BatchNorm",
    "ConditionalLatent",
    "ConvolutionOfImage",
    "ConvolutionToImage",
    "DecoderBlock",
    "Dropout",
    "EncoderBlock",
    "FeedForward",
    "KeyValueCache",
    "LayerNorm",
    "LowRankUpdate",
    "MaskedLMHead",
    "ProjectionLogit",
    "RMSNorm",
    "ResidualBlock",
    "SelfAttention",
    "SpectralNorm",
    "attention_penalty",
    "downsample",
    "gelu_approximate",
    "gelu_by_erf",
    "leaky_relu",
    "recompute",
    "relu_squared",
    "rms_normalize",
    "rotary_angles",
    "same_document",
    "rotate",
    "scaled_normal",
    "tied_logits",
    "upsample",
    "visible_slots",
]
