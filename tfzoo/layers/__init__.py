"""Station 3a: parts with weights. They know shapes, not tasks."""

from tfzoo.layers.activations import gelu_approximate, relu_squared
from tfzoo.layers.attention import SelfAttention
from tfzoo.layers.conditional import ConditionalLatent, ProjectionLogit
from tfzoo.layers.decoder_block import DecoderBlock
from tfzoo.layers.dropout import Dropout
from tfzoo.layers.feed_forward import FeedForward
from tfzoo.layers.key_value_cache import KeyValueCache
from tfzoo.layers.masks import attention_bias, visible_slots
from tfzoo.layers.normalization import LayerNorm, RMSNorm, rms_normalize
from tfzoo.layers.rotary import rotary_angles, rotate

__all__ = [
    "ConditionalLatent",
    "DecoderBlock",
    "Dropout",
    "FeedForward",
    "KeyValueCache",
    "LayerNorm",
    "ProjectionLogit",
    "RMSNorm",
    "SelfAttention",
    "attention_bias",
    "gelu_approximate",
    "relu_squared",
    "rms_normalize",
    "rotary_angles",
    "rotate",
    "visible_slots",
]
