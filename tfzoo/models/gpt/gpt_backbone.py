"""GPT-2's network, and by a few arguments its modern descendant.

B batch, T target length, S cache slots, D hidden_dim, H heads, K head_dim = D / H, F
intermediate_dim, V vocabulary. The file reads in the order in which a token travels.
"""

import keras
import tensorflow as tf

from tfzoo.layers import (
    DecoderBlock,
    Dropout,
    KeyValueCache,
    LayerNorm,
    RMSNorm,
    attention_penalty,
    gelu_approximate,
    recompute,
    rotary_angles,
    tied_logits,
    visible_slots,
)
from tfzoo.models import preset
from tfzoo.models.arguments import require_float, require_ints, require_token_ids


@keras.saving.register_keras_serializable(package="tfzoo")
class GPTBackbone(keras.Model):
    """A causal decoder: token ids in, one vector per position out.

    The defaults are GPT-2 exactly. The arguments from `rotary` on turn it, one measured choice at
    a time, into the form that small language models of today have; `tfzoo.models.MODERN` holds
    those that pay. That is why there are more than eight.

    Args:
        vocabulary_size: int, V.
        num_layers: int, number of decoder blocks.
        num_heads: int, H; must divide D.
        hidden_dim: int, D.
        intermediate_dim: int, F; None means 4 D.
        dropout: float in [0, 1), on embeddings, attention probabilities and both residual branches.
        max_sequence_length: int, longest text in tokens.
        rotary: bool, rotate queries and keys by their positions instead of adding a learned
            position embedding.
        rms_norm: bool, root-mean-square normalisation without biases anywhere, instead of layer
            normalisation.
        normalize_queries_and_keys: bool, see `SelfAttention`.
        activation: callable or Keras activation name, inside the feed-forward networks.
        zero_init: bool, residual branches and an untied head start at zero, so that the network
            starts as the identity.
        tie_embeddings: bool, one matrix embeds tokens and predicts them.
        logit_soft_cap: optional float c > 0, logits become `c tanh(logits / c)`.
        recompute: bool, a training step keeps the inputs of each block and computes the rest again:
            less memory, more time, the same result.
        **kwargs: passed to `keras.Model`; `dtype=tfzoo.distribution.fastest_dtype()` is
            mixed_bfloat16 where the hardware multiplies it fast.

    Call arguments:
        inputs: dict with `token_ids` int (B, T), optionally `padding_mask` bool (B, T), True = real
            token, or instead `document_ids` int (B, T) for rows that pack several documents, 0 =
            padding. Positions restart with each document.
        cache: optional `KeyValueCache` that the T tokens extend. The mask is then the cache's.
        training: bool, whether dropout acts.

    Returns:
        (B, T, D), or `(vectors, cache)` when a cache is given.

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
    """

    def __init__(
        self,
        vocabulary_size,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim=None,
        dropout=0.0,
        max_sequence_length=1024,
        rotary=False,
        rms_norm=False,
        normalize_queries_and_keys=False,
        activation=gelu_approximate,
        zero_init=False,
        tie_embeddings=True,
        logit_soft_cap=None,
        recompute=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        require_float(self.dtype_policy)
        require_ints(
            vocabulary_size=vocabulary_size,
            num_layers=num_layers,
            num_heads=num_heads,
            hidden_dim=hidden_dim,
            max_sequence_length=max_sequence_length,
        )
        if hidden_dim % num_heads:
            raise ValueError(
                f"`num_heads` must divide `hidden_dim`; received num_heads={num_heads}, "
                f"hidden_dim={hidden_dim}."
            )
        if rotary and hidden_dim // num_heads % 2:
            raise ValueError(
                f"`hidden_dim` must be an even multiple of `num_heads` with `rotary`, which turns "
                f"pairs; received hidden_dim={hidden_dim}, num_heads={num_heads}."
            )

        # Layers
        def embedding(size, name):
            return keras.layers.Embedding(
                size, hidden_dim, _normal(0.02), dtype=self.dtype_policy, name=name
            )

        self.token_embedding = embedding(vocabulary_size, "token_embedding")
        self.position_embedding = (
            None if rotary else embedding(max_sequence_length, "position_embedding")
        )
        self.dropout = Dropout(dropout, dtype=self.dtype_policy, name="dropout")
        self.blocks = [
            DecoderBlock(
                num_heads,
                intermediate_dim or 4 * hidden_dim,
                dropout,
                activation,
                rms_norm,
                normalize_queries_and_keys,
                kernel_initializer=_normal(0.02),
                # Each of the 2 L branches adds variance; GPT-2 scales them down to compensate.
                branch_initializer="zeros"
                if zero_init
                else _normal(0.02 / (2 * num_layers) ** 0.5),
                dtype=self.dtype_policy,
                name=f"block_{number}",
            )
            for number in range(num_layers)
        ]
        norm = RMSNorm if rms_norm else LayerNorm
        self.final_norm = norm(dtype=self.dtype_policy, name="final_norm")
        self.head = None
        if not tie_embeddings:
            self.head = keras.layers.Dense(
                vocabulary_size,
                use_bias=False,
                kernel_initializer="zeros" if zero_init else _normal(0.02),
                dtype=self.dtype_policy,
                name="head",
            )

        # Weights exist from the start: optimizers, checkpoints and strategies can rely on them.
        self.token_embedding.build((None, None))
        if self.position_embedding:
            self.position_embedding.build((None, None))
        for part in (*self.blocks, self.final_norm, *([self.head] if self.head else [])):
            part.build((None, None, hidden_dim))
        self.built = True

        # Config
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim or 4 * hidden_dim
        self.dropout_rate = dropout
        self.max_sequence_length = max_sequence_length
        self.rotary = rotary
        self.rms_norm = rms_norm
        self.normalize_queries_and_keys = normalize_queries_and_keys
        self.activation = keras.activations.get(activation)
        self.zero_init = zero_init
        self.tie_embeddings = tie_embeddings
        self.logit_soft_cap = logit_soft_cap
        self.recompute = recompute

    def call(self, inputs, cache=None, training=False):
        """Runs the network; see the class for arguments."""
        token_ids = inputs["token_ids"]
        require_token_ids(token_ids)
        visible = self._visible(inputs, cache)
        penalty = attention_penalty(visible, self.compute_dtype)
        # A token sees itself and what came before it in its document: their number is its place.
        positions = tf.maximum(tf.math.count_nonzero(visible, axis=-1, dtype=tf.int32) - 1, 0)

        x = self.token_embedding(token_ids)
        angles = None
        if self.rotary:
            angles = rotary_angles(positions, self.hidden_dim // self.num_heads, x.dtype)
        else:
            x = x + self.position_embedding(positions)
        x = self.dropout(x, training=training)
        memory = []
        for number, block in enumerate(self.blocks):
            if self.recompute and training and cache is None:
                x, *_ = recompute(block, x, penalty, angles=angles, training=True)
                continue
            slots = None if cache is None else cache.layer(number)
            x, keys, values = block(x, penalty, angles=angles, cache=slots, training=training)
            memory.append((keys, values))
        x = self.final_norm(x)

        if cache is None:
            return x
        keys, values = zip(*memory, strict=True)
        index = cache.index + tf.shape(token_ids)[1]
        return x, cache._replace(keys=keys, values=values, index=index)

    def predict_tokens(self, x):
        """Maps vectors (..., D) to logits (..., V) over the vocabulary."""
        if self.head is None:
            logits = tied_logits(x, self.token_embedding.embeddings)
        else:
            logits = self.head(x)
        if self.logit_soft_cap:
            logits = self.logit_soft_cap * tf.tanh(logits / self.logit_soft_cap)
        return logits

    def empty_cache(self, padding_mask):
        """Returns a `KeyValueCache` with a slot for each position of `padding_mask` (B, S)."""
        head_dim = self.hidden_dim // self.num_heads
        return KeyValueCache.empty(
            self.num_layers, self.num_heads, head_dim, padding_mask, self.compute_dtype
        )

    def save_to_preset(self, folder):
        """Saves the backbone; see `tfzoo.models.preset.save`."""
        preset.save(self, folder)

    @classmethod
    def from_preset(cls, folder, **changes):
        """Loads the backbone of a preset or a Hugging Face folder; see `preset.load_backbone`."""
        return preset.load_backbone(cls, folder, **changes)

    def _visible(self, inputs, cache):
        num_queries = tf.shape(inputs["token_ids"])[1]
        if cache is not None:
            num_slots = tf.shape(cache.padding_mask)[1]
            return visible_slots(num_queries, num_slots, cache.index, cache.padding_mask)
        return visible_slots(
            num_queries,
            num_queries,
            padding_mask=inputs.get("padding_mask"),
            document_ids=inputs.get("document_ids"),
        )

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout_rate,
            "max_sequence_length": self.max_sequence_length,
            "rotary": self.rotary,
            "rms_norm": self.rms_norm,
            "normalize_queries_and_keys": self.normalize_queries_and_keys,
            "activation": keras.activations.serialize(self.activation),
            "zero_init": self.zero_init,
            "tie_embeddings": self.tie_embeddings,
            "logit_soft_cap": self.logit_soft_cap,
            "recompute": self.recompute,
        }


def _normal(deviation):
    return keras.initializers.RandomNormal(stddev=deviation)
