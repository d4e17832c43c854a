"""BERT's network.

B batch, T length, D hidden_dim, H heads, K head_dim = D / H, F intermediate_dim, V vocabulary. The
file reads in the order in which a token travels.
"""

import keras
import tensorflow as tf

from tfzoo.layers import (
    Dropout,
    EncoderBlock,
    LayerNorm,
    attention_penalty,
    recompute,
    same_document,
)
from tfzoo.models import adaptation, preset
from tfzoo.models.arguments import require_float, require_ints, require_token_ids


@keras.saving.register_keras_serializable(package="tfzoo")
class BertBackbone(keras.Model):
    """An encoder that reads in both directions: token ids in, one vector per position out.

    Args:
        vocabulary_size: int, V.
        num_layers: int, number of encoder blocks.
        num_heads: int, H; must divide D.
        hidden_dim: int, D.
        intermediate_dim: int, F; None means 4 D.
        dropout: float in [0, 1), on embeddings and both residual branches.
        attention_dropout: float in [0, 1), on attention probabilities; None means `dropout`.
        max_sequence_length: int, longest text in tokens.
        num_segments: int, how many kinds of segments there are; BERT tells two apart.
        activation: callable or Keras activation name, inside the feed-forward networks; "gelu" is
            the exact one of the paper.
        layer_norm_epsilon: float > 0, added to variances.
        use_pooler: bool, whether there is the layer that `pooled_output` comes from.
        recompute: bool, a training step keeps the inputs of each block and computes the rest again:
            less memory, more time, the same result.
        **kwargs: passed to `keras.Model`; `dtype=tfzoo.distribution.fastest_dtype()` is
            mixed_bfloat16 where the hardware multiplies it fast.

    Call arguments:
        inputs: dict with `token_ids` int (B, T), optionally `segment_ids` int (B, T), by default
            all 0, and `padding_mask` bool (B, T), True = real token, or instead `document_ids` int
            (B, T) for rows that pack several documents, 0 = padding. Positions restart with each
            document, and no token sees another document.
        training: bool, whether dropout acts.

    Returns:
        Dict of `sequence_output` (B, T, D) and, with a pooler, `pooled_output` (B, D): the vector
        of the first position, through a dense layer and tanh.

    Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding", section 3.
    """

    def __init__(
        self,
        vocabulary_size,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim=None,
        dropout=0.1,
        attention_dropout=None,
        max_sequence_length=512,
        num_segments=2,
        activation="gelu",
        layer_norm_epsilon=1e-12,
        use_pooler=True,
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
        dtype = self.dtype_policy

        # Layers
        def embedding(size, name):
            return keras.layers.Embedding(size, hidden_dim, initializer(), dtype=dtype, name=name)

        self.token_embedding = embedding(vocabulary_size, "token_embedding")
        self.position_embedding = embedding(max_sequence_length, "position_embedding")
        self.segment_embedding = embedding(num_segments, "segment_embedding")
        self.embedding_norm = LayerNorm(layer_norm_epsilon, dtype=dtype, name="embedding_norm")
        self.dropout = Dropout(dropout, dtype=dtype, name="dropout")
        self.blocks = [
            EncoderBlock(
                num_heads,
                intermediate_dim or 4 * hidden_dim,
                dropout,
                attention_dropout,
                activation,
                layer_norm_epsilon,
                kernel_initializer=initializer(),
                dtype=dtype,
                name=f"block_{number}",
            )
            for number in range(num_layers)
        ]
        self.pooler = None
        if use_pooler:
            self.pooler = keras.layers.Dense(
                hidden_dim, "tanh", kernel_initializer=initializer(), dtype=dtype, name="pooler"
            )

        # Weights exist from the start: optimizers, checkpoints and strategies can rely on them.
        for part in (self.token_embedding, self.position_embedding, self.segment_embedding):
            part.build((None, None))
        for part in (self.embedding_norm, *self.blocks, *([self.pooler] if use_pooler else [])):
            part.build((None, None, hidden_dim))
        self.built = True

        # Config
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim or 4 * hidden_dim
        self.dropout_rate = dropout
        self.attention_dropout = attention_dropout
        self.max_sequence_length = max_sequence_length
        self.num_segments = num_segments
        self.activation = keras.activations.get(activation)
        self.layer_norm_epsilon = layer_norm_epsilon
        self.use_pooler = use_pooler
        self.recompute = recompute
        self.adaptation = {}

    def call(self, inputs, training=False):
        """Runs the network; see the class for arguments."""
        token_ids = inputs["token_ids"]
        require_token_ids(token_ids)
        self._require_room(inputs)
        visible, positions = _visible_and_positions(inputs)
        penalty = attention_penalty(visible, self.compute_dtype)

        x = self.token_embedding(token_ids)
        x = x + self.position_embedding(positions)
        x = x + self.segment_embedding(inputs.get("segment_ids", tf.zeros_like(token_ids)))
        x = self.dropout(self.embedding_norm(x), training=training)
        for block in self.blocks:
            if self.recompute and training:
                x = recompute(block, x, penalty, training=True)
            else:
                x = block(x, penalty, training=training)

        if self.pooler is None:
            return {"sequence_output": x}
        # Not `x[:, 0]`: DTensor places the result of that on the wrong axes of a mesh.
        return {"sequence_output": x, "pooled_output": self.pooler(tf.gather(x, 0, axis=1))}

    def without_pooler(self, variables):
        """Those of `variables` that a task trains which does not read `pooled_output`."""
        pooler = {id(variable) for variable in (self.pooler.weights if self.pooler else [])}
        return [variable for variable in variables if id(variable) not in pooler]

    def save_to_preset(self, folder):
        """Saves the backbone; see `tfzoo.models.preset.save`."""
        preset.save(self, folder)

    @classmethod
    def from_preset(cls, folder, **changes):
        """Loads a preset, or a BERT of Hugging Face or Google; see `preset.load_backbone`."""
        return preset.load_backbone(cls, folder, **changes)

    def _require_room(self, inputs):
        length = inputs["token_ids"].shape[1]
        if length and length > self.max_sequence_length and inputs.get("document_ids") is None:
            raise ValueError(
                f"`token_ids` must have at most {self.max_sequence_length} tokens in a row, the "
                f"backbone's `max_sequence_length`; received {length}."
            )

    def embedding_layers(self):
        """What stands below the blocks."""
        return (
            self.token_embedding,
            self.position_embedding,
            self.segment_embedding,
            self.embedding_norm,
        )

    def freeze_layers(self, num_layers):
        """Freezes embeddings and the lowest blocks, before a task with it is compiled."""
        adaptation.freeze_layers(self, num_layers)

    def enable_lora(self, rank, alpha=None):
        """Trains low-rank updates only, see `LowRankUpdate`; before a task with it is compiled."""
        adaptation.enable_lora(self, rank, alpha)

    def get_config(self):
        """Returns the constructor's arguments, and what is frozen or has LoRA."""
        config = {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout_rate,
            "attention_dropout": self.attention_dropout,
            "max_sequence_length": self.max_sequence_length,
            "num_segments": self.num_segments,
            "activation": keras.activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "use_pooler": self.use_pooler,
            "recompute": self.recompute,
        }
        return adaptation.with_adaptation(config, self)

    @classmethod
    def from_config(cls, config):
        """Restores the backbone, adapted as it was."""
        backbone = cls(**adaptation.without_adaptation(config))
        adaptation.adapt(backbone, config)
        return backbone


def initializer():
    """How BERT starts its matrices, and those of its tasks."""
    return keras.initializers.TruncatedNormal(stddev=0.02)


def _visible_and_positions(inputs):
    """Who sees whom, bool (B or 1, T or 1, T), and the place of each token, int (B or 1, T)."""
    length = tf.shape(inputs["token_ids"])[1]
    documents = inputs.get("document_ids")
    if documents is not None:
        visible = same_document(documents)
        # The number of tokens of the same document that come before.
        earlier = tf.range(length)[None, :] < tf.range(length)[:, None]
        return visible, tf.math.count_nonzero(visible & earlier, axis=-1, dtype=tf.int32)
    positions = tf.range(length)[None]
    padding_mask = inputs.get("padding_mask")
    if padding_mask is None:
        return tf.ones([1, 1, 1], tf.bool), positions
    return tf.expand_dims(tf.cast(padding_mask, tf.bool), 1), positions
