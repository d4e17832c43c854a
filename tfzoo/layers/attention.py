"""Multi-head self-attention.

B batch, T queries, S key slots, D hidden_dim, H heads, K head_dim = D / H.
"""

import contextlib

import keras
import tensorflow as tf

from tfzoo.layers.dropout import Dropout
from tfzoo.layers.low_rank_update import LowRankUpdate
from tfzoo.layers.normalization import rms_normalize
from tfzoo.layers.rotary import rotate


@keras.saving.register_keras_serializable(package="tfzoo")
class SelfAttention(keras.layers.Layer):
    """Multi-head self-attention over a sequence, or over a cache that it extends.

    Which slots a query sees is the caller's business (`penalty`), and so are positions (`angles`):
    both are the same for every layer and are computed once.

    Args:
        num_heads: int, H; must divide D.
        normalize_queries_and_keys: bool, divide each query and key by its root mean square, which
            bounds the logits (Dehghani et al. 2023, "ViT-22B", section 2).
        use_bias: bool, biases in both projections.
        dropout: float in [0, 1), on the attention probabilities.
        kernel_initializer: initializer of the query, key and value projection.
        output_initializer: initializer of the output projection.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Vaswani et al. 2017, sections 3.2.1 and 3.2.2.
    """

    def __init__(
        self,
        num_heads,
        normalize_queries_and_keys=False,
        use_bias=True,
        dropout=0.0,
        kernel_initializer="glorot_uniform",
        output_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.normalize_queries_and_keys = normalize_queries_and_keys
        self.use_bias = use_bias
        self.dropout_rate = dropout
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.output_initializer = keras.initializers.get(output_initializer)
        self.updates = []

    def build(self, input_shape):
        """Creates the projections for inputs (B, T, D)."""
        hidden_dim = input_shape[-1]
        if hidden_dim % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the width of the inputs; received "
                f"num_heads={self.num_heads} and inputs of width {hidden_dim}."
            )
        # Where heads are spread over devices, the columns of those on one device lie side by side.
        self.num_groups = getattr(tf.distribute.get_strategy(), "num_model_shards", 1)
        if self.num_heads % self.num_groups:
            raise ValueError(
                f"`num_heads` must be a multiple of the {self.num_groups} devices that share them; "
                f"received {self.num_heads}. Choose another mesh, or another number of heads."
            )
        self.query_key_value = keras.layers.Dense(
            3 * hidden_dim,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer,
            dtype=self.dtype_policy,
            name="query_key_value",
        )
        self.output_projection = keras.layers.Dense(
            hidden_dim,
            use_bias=self.use_bias,
            kernel_initializer=self.output_initializer,
            dtype=self.dtype_policy,
            name="output",
        )
        self.dropout = Dropout(self.dropout_rate, dtype=self.dtype_policy, name="dropout")
        self.query_key_value.build(input_shape)
        self.output_projection.build(input_shape)

    def projections(self):
        """The dense layers: of queries, keys and values, and of the output."""
        return self.query_key_value, self.output_projection

    def enable_lora(self, rank, alpha=None):
        """Freezes both projections and lets them learn a `LowRankUpdate` each."""
        # Keras, too, unlocks its own built layers for this; there is no public way.
        self._tracker.unlock()
        for dense in self.projections():
            width, outputs = dense.kernel.shape
            dense.trainable = False
            update = LowRankUpdate(
                outputs, rank, alpha, dtype=self.dtype_policy, name=f"{dense.name}_update"
            )
            with contextlib.ExitStack() as scopes:
                # Its variables are called by where it is, as if it had been built with the rest.
                for scope in dense.kernel.path.split("/")[:-2]:
                    scopes.enter_context(keras.name_scope(scope))
                update.build((None, None, width))
            self.updates.append(update)
        self._tracker.lock()

    def call(self, x, penalty, angles=None, cache=None, training=False):
        """Attends.

        Args:
            x: (B, T, D).
            penalty: (B or 1, 1, T, S), subtracted from the logits; see `attention_penalty`.
            angles: optional `rotary_angles` of the T positions.
            cache: optional `(keys, values, index)`, keys and values (B, H, S, K): the T tokens of
                `x` are written from slot `index` on, and all S slots are attended to.
            training: bool, whether dropout acts.

        Returns:
            `(outputs, keys, values)`: outputs (B, T, D), and the keys and values attended to.
        """
        query, key, value = self._project(x)
        if self.normalize_queries_and_keys:
            query, key = rms_normalize(query), rms_normalize(key)
        if angles is not None:
            query, key = rotate(query, angles), rotate(key, angles)
        if cache is not None:
            keys, values, index = cache
            key, value = write_slots(keys, key, index), write_slots(values, value, index)

        scale = tf.cast(query.shape[-1] ** -0.5, query.dtype)
        # No sum with negative numbers: TensorFlow would let oneDNN compute product and sum at once,
        # which for numbers that differ from query to query takes twenty times as long.
        logits = tf.matmul(query * scale, key, transpose_b=True) - penalty
        probabilities = self.dropout(tf.nn.softmax(logits), training=training)
        mixed = tf.transpose(tf.matmul(probabilities, value), [0, 2, 1, 3])
        return self._apply(1, tf.reshape(mixed, tf.shape(x))), key, value

    def _apply(self, number, x):
        """One of the projections, with its update if there is one."""
        outputs = self.projections()[number](x)
        return outputs + self.updates[number](x) if self.updates else outputs

    def _project(self, x):
        """(B, T, D) -> queries, keys and values, each (B, H, T, K)."""
        batch_size, length = tf.unstack(tf.shape(x)[:2])
        groups, head_dim = self.num_groups, x.shape[-1] // self.num_heads
        columns = [groups, 3, self.num_heads // groups, head_dim]
        heads = tf.reshape(self._apply(0, x), [batch_size, length, *columns])
        parts = tf.split(heads, 3, axis=3)  # groups in front: each device splits its own
        shape = [batch_size, length, self.num_heads, head_dim]
        return [tf.transpose(tf.reshape(part, shape), [0, 2, 1, 3]) for part in parts]

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "normalize_queries_and_keys": self.normalize_queries_and_keys,
            "use_bias": self.use_bias,
            "dropout": self.dropout_rate,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "output_initializer": keras.initializers.serialize(self.output_initializer),
        }


def write_slots(slots, new, index):
    """Returns `slots` (B, H, S, K) with `new` (B, H, T, K) at slots `index` to `index + T - 1`."""
    return keras.ops.slice_update(slots, (0, 0, index, 0), new)
