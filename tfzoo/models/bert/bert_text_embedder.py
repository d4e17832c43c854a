"""Sentence embeddings: BERT makes a unit vector of a text, near those of similar texts.

B texts or pairs, T length of a row, W windows of all texts, D hidden_dim.
"""

import keras
import tensorflow as tf

from tfzoo.losses import ContrastiveLoss
from tfzoo.models.arguments import require_room
from tfzoo.models.bert import embedding_batches, text_embedding
from tfzoo.models.bert.bert_backbone import BertBackbone
from tfzoo.models.bert.long_documents import checked_windows, document_outputs
from tfzoo.models.bert.pretrained import (
    from_pretrained,
    is_preset_of,
    sentence_settings,
)
from tfzoo.models.bert.vector_gradients import vector_gradients
from tfzoo.models.task import Task, sum_over_replicas
from tfzoo.models.unpack import unpack_examples
from tfzoo.optimizers import aggregate_and_clip, fine_tuning_adamw
from tfzoo.preprocessing import TextClassifierPreprocessor

POOLINGS = ("mean", "cls")


@keras.saving.register_keras_serializable(package="tfzoo")
class BertTextEmbedder(Task):
    """One unit vector for each text: `embed`, `search`, and `fit` on pairs that belong together.

    Args:
        backbone: a `BertBackbone`; its pooler is neither used nor trained.
        preprocessor: optional `TextClassifierPreprocessor`; needed for everything raw.
        pooling: "mean", over all real tokens, or "cls", the vector of the first one.
        long_documents: optional `SlidingWindows`. A text is then read to its end, in windows that
            overlap, and gets the mean of their vectors, weighted by their lengths. Training reads
            the beginning, up to the preprocessor's length; without windows nothing else is read.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: as in `BertBackbone`; or, in training, a dict of `first` and `second`, each of them
            such inputs, row i of both being a pair.
        training: bool, whether dropout acts.

    Returns:
        Unit vectors float32 (B, D); for pairs a dict of two of them.

    Objective:
        `ContrastiveLoss`: the second text of a pair among those of all pairs of the global batch,
        and the first among the firsts; the mean over the pairs by their sample weights.

    Logs:
        `loss`: the objective, nats. `gradient_norm`: before clipping. From `evaluate` and
        validation also `retrieval_accuracy`: the share of pairs whose second text is nearer to the
        first than those of all other pairs of the batch. Larger batches make both harder.

    Randomness:
        Dropout, drawn differently on every replica and continued after a restart.

    Example:
        ```python
        import tfzoo

        words = "[PAD] [UNK] [CLS] [SEP] [MASK] a cat purrs dog barks".split()
        preprocessor = tfzoo.preprocessing.TextClassifierPreprocessor(
            tfzoo.preprocessing.WordPieceTokenizer(words)
        )
        backbone = tfzoo.models.BertBackbone(len(words), num_layers=1, num_heads=2, hidden_dim=16)
        model = tfzoo.models.BertTextEmbedder(backbone, preprocessor)
        model.compile()
        model.fit([("a cat", "purrs"), ("a dog", "barks")], verbose=0)
        print(model.embed("a dog barks").shape, model.search("a cat", ["a dog", "a cat purrs"]))
        ```

    Source: Reimers and Gurevych 2019, "Sentence-BERT", section 3.
    """

    BACKBONE, PREPROCESSOR = BertBackbone, TextClassifierPreprocessor
    SERVES = "embedding"
    INPUTS = {"text": "Texts."}
    RAW_DATA = "pairs of texts"

    def __init__(self, backbone, preprocessor=None, pooling="mean", long_documents=None, **kwargs):
        super().__init__(backbone, preprocessor, **kwargs)
        if pooling not in POOLINGS:
            raise ValueError(
                f"`pooling` must be one of {', '.join(map(repr, POOLINGS))}; received {pooling!r}."
            )
        if preprocessor is not None:
            require_room(backbone, preprocessor.sequence_length, "The length of `preprocessor`")
        self.pooling = pooling
        self.long_documents = checked_windows(long_documents, backbone)

    @classmethod
    def from_preset(cls, folder, **arguments):
        """Loads an embedder, or makes one of any BERT.

        Args:
            folder: the preset of an embedder or of any other BERT, or a folder of Hugging Face,
                sentence-transformers or Google. Where sentence-transformers says how long its
                texts are and how it pools, that is the default.
            **arguments: `dropout` and `dtype` of the backbone; and where it is not the preset of an
                embedder, `sequence_length` and the arguments of the constructor.

        Returns:
            A `BertTextEmbedder` that is not compiled.
        """
        if not is_preset_of(cls, folder):
            arguments = {**sentence_settings(folder), **arguments}
        return from_pretrained(cls, TextClassifierPreprocessor, folder, arguments)

    def compile(self, optimizer="auto", loss=None, learning_rate=5e-5, **kwargs):
        """Configures training.

        Args:
            optimizer: a Keras optimizer; "auto" is `tfzoo.optimizers.fine_tuning_adamw`: AdamW with
                warm-up and a straight line to zero at the end of the run.
            learning_rate: float > 0, the peak of "auto".
            loss: a `ContrastiveLoss`; None means `ContrastiveLoss()`.
            **kwargs: passed to `Task.compile`: how to clip, accumulate and compile. With
                `gradient_accumulation`, too, the negatives are those of the whole batch.
        """
        if optimizer == "auto":
            optimizer = fine_tuning_adamw(learning_rate)
        # Batches differ in length: not for XLA unless asked for.
        kwargs.setdefault("jit_compile", False)
        super().compile(optimizer, loss or ContrastiveLoss(), **kwargs)
        self.loss_metric = keras.metrics.Mean(name="loss")
        self.gradient_norm_metric = keras.metrics.Mean(name="gradient_norm")
        self.accuracy_metric = keras.metrics.Mean(name="retrieval_accuracy")

    @property
    def metrics(self):
        """Everything that is reset between epochs."""
        if not self.compiled:
            return []
        return [self.loss_metric, self.gradient_norm_metric, self.accuracy_metric]

    @property
    def trainable_variables(self):
        """The variables that training moves: not those of a pooler."""
        return self.backbone.without_pooler(super().trainable_variables)

    def call(self, inputs, training=False):
        """Returns unit vectors (B, D), or a dict of those of firsts and seconds."""
        if "first" in inputs:
            return {side: self(inputs[side], training=training) for side in ("first", "second")}
        if self.long_documents is None or training:
            vectors = self.pool(inputs, training)
        else:
            vectors = document_outputs(self.pool, inputs, self.long_documents)
        return tf.math.l2_normalize(vectors, axis=-1)

    def pool(self, inputs, training=False):
        """One vector float32 (B, D) for each row, not normalised."""
        vectors = self.backbone(inputs, training=training)["sequence_output"]
        vectors = tf.cast(vectors, tf.float32)
        if self.pooling == "cls":
            return vectors[:, 0]
        real = inputs.get("padding_mask", tf.ones_like(inputs["token_ids"]))
        real = tf.expand_dims(tf.cast(real, tf.float32), -1)
        return tf.reduce_sum(vectors * real, axis=1) / tf.maximum(tf.reduce_sum(real, axis=1), 1)

    def train_step(self, data):
        """One step on a batch `(x, text_ids, weights)`; both are optional."""
        # Unpack
        x, text_ids, weights = unpack_examples(data, "first")
        total_weight = sum_over_replicas(tf.reduce_sum(weights))
        variables = self.trainable_variables

        def losses_of(vectors):
            # Loss: divided by the weight of the global batch, so that sums of it are its mean
            losses = self.objective(**vectors, text_ids=text_ids, weights=weights)
            self.loss_metric.update_state(losses, weights)
            return self.optimizer.scale_loss(tf.math.divide_no_nan(losses * weights, total_weight))

        # Tape, Gradients: every pair is compared with all others of the batch
        gradients = vector_gradients(
            lambda x: self(x, training=True),
            losses_of,
            x,
            variables,
            self.gradient_accumulation,
            noise=self.backbone.non_trainable_variables,
        )

        # Update
        gradients, norm = aggregate_and_clip(gradients, self.max_gradient_norm, self.optimizer)
        self.optimizer.apply(gradients, variables)

        # Log
        self.gradient_norm_metric.update_state(norm)
        return self.results([self.loss_metric, self.gradient_norm_metric])

    def test_step(self, data):
        """Adds a batch to the metrics."""
        x, text_ids, weights = unpack_examples(data, "first")
        vectors = self(x, training=False)
        arguments = dict(vectors, text_ids=text_ids, weights=weights)
        self.loss_metric.update_state(self.objective(**arguments), weights)
        self.accuracy_metric.update_state(self.objective.is_nearest(**arguments), weights)
        return self.results([self.loss_metric, self.accuracy_metric])

    embed = text_embedding.embed
    search = text_embedding.search

    def is_raw(self, x):
        """Whether `x` is texts, or pairs of them."""
        return embedding_batches.is_pairs(x) or super().is_raw(x)

    def training_batches(self, x, y, batch_size, seed):
        """Pairs bucketed by length."""
        pairs = embedding_batches.pairs_of(x, y)
        return embedding_batches.training_batches(self._attached(), pairs, batch_size, seed)

    def evaluation_batches(self, x, y, batch_size):
        """Pairs in order."""
        pairs = embedding_batches.pairs_of(x, y)
        return embedding_batches.evaluation_batches(self._attached(), pairs, batch_size)

    def predict(self, x, batch_size=32, **kwargs):
        """Embeds raw texts, see `embed`; else as `keras.Model.predict`."""
        if self.is_raw(x):
            return self.embed(x, batch_size)
        return super().predict(x, batch_size, **kwargs)

    def serving_functions(self):
        """What `tfzoo.export` puts into a SavedModel: names, functions and their inputs.

        `embed`: text string (B,) -> vector float32 (B, D), of length 1.
        """
        self._attached()

        def embed(text):
            """Turns texts into vectors of length 1, near each other where meanings are."""
            return {"vector": text_embedding.embed_texts(self, text)}

        return {"embed": (embed, [tf.TensorSpec([None], tf.string, "text")])}

    def get_config(self):
        """Returns the constructor's arguments."""
        windows = self.long_documents
        return {
            **super().get_config(),
            "pooling": self.pooling,
            "long_documents": windows and windows.get_config(),
        }
