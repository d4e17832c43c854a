"""The memory of a decoder that writes one token at a time."""

from typing import NamedTuple

import tensorflow as tf


class KeyValueCache(NamedTuple):
    """Keys and values of every layer, preallocated for the whole text and filled from the left.

    Attributes:
        keys: tuple of L tensors (B, H, S, K), one per layer.
        values: tuple of L tensors (B, H, S, K).
        padding_mask: bool (B, S), True where a slot holds, or will hold, a real token.
        index: scalar int32, the slot that the next token goes into.
    """

    keys: tuple
    values: tuple
    padding_mask: tf.Tensor
    index: tf.Tensor

    @classmethod
    def empty(cls, num_layers, num_heads, head_dim, padding_mask, dtype):
        """Allocates a cache with as many slots as `padding_mask` (B, S) has."""
        batch_size, num_slots = tf.unstack(tf.shape(padding_mask))
        blank = tf.zeros([batch_size, num_heads, num_slots, head_dim], dtype)
        blanks = (blank,) * num_layers
        return cls(blanks, blanks, padding_mask, tf.constant(0))

    def layer(self, number):
        """The slice that attention layer `number` reads: `(keys, values, index)`."""
        return self.keys[number], self.values[number], self.index
