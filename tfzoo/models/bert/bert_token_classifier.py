"""BERT that says which words of a text are entities, and of which kind.

B sentences, T word pieces, W words, D hidden_dim, N entity names, C = 2 N + 1 tags.
"""

import keras
import tensorflow as tf

from tfzoo.data import bucketed_batches
from tfzoo.layers import Dropout
from tfzoo.losses import TokenLoss
from tfzoo.metrics import EntityScore, WeightedMean
from tfzoo.models.arguments import require_room
from tfzoo.models.bert.bert_backbone import BertBackbone, initializer
from tfzoo.models.bert.entity_spans import word_tags
from tfzoo.models.bert.fine_tuning import auto_optimizer, checked_class_names, pretrained_parts
from tfzoo.models.bert.long_documents import (
    checked_windows,
    token_outputs,
    token_training_rows,
    uncut,
)
from tfzoo.models.bert.tagged_examples import (
    as_tags,
    as_words,
    evaluation_batches,
    is_word_lists,
    training_rows,
)
from tfzoo.models.bert.token_classification import serving_functions, tag, tag_words
from tfzoo.models.task import Task, sum_over_replicas
from tfzoo.models.unpack import unpack_tokens
from tfzoo.optimizers import accumulate_gradients, aggregate_and_clip
from tfzoo.preprocessing import TokenClassifierPreprocessor


@keras.saving.register_keras_serializable(package="tfzoo")
class BertTokenClassifier(Task):
    """BERT with a linear layer over each word piece: `fit` on words with BIO tags, then `tag`.

    Args:
        backbone: a `BertBackbone`; its pooler is neither used nor trained.
        preprocessor: optional `TokenClassifierPreprocessor`; needed for words and raw texts.
        entity_names: N strings, what stands behind `B-` and `I-`.
        dropout: float in [0, 1), on the vectors.
        long_documents: optional `SlidingWindows`. A text is then read to its end, in windows that
            overlap, and the logits of a token are the mean over the windows that see it, which is
            what the mean of its vectors gives. In training, too, each token counts once. Without it
            a text is cut at the preprocessor's length.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: as in `BertBackbone`.
        training: bool, whether dropout acts.

    Returns:
        Logits (B, T, C), of tags in the order of `tag_names`.

    Objective:
        The mean of the cross-entropy over all labelled pieces of the global batch, by their
        weights. Which pieces are labelled says `TokenClassifierPreprocessor`.

    Logs:
        `loss`: the objective, nats. `gradient_norm`: before clipping. From `evaluate` and
        validation also `accuracy`, the share of words with the right tag, and `entity_precision`,
        `entity_recall` and `entity_f1`, shares of whole entities as CoNLL and seqeval count them;
        all from the best valid sequence of tags.

    Randomness:
        Dropout, drawn differently on every replica and continued after a restart. The order of raw
        data is a function of `fit`'s seed.

    Example:
        ```python
        import tfzoo

        words = [["ann", "sang"], ["bo", "lee", "fell"]]
        tags = [["B-who", "O"], ["B-who", "I-who", "O"]]
        tokens = "[PAD] [UNK] [CLS] [SEP] ann sang bo lee fell".split()
        model = tfzoo.models.BertTokenClassifier(
            tfzoo.models.BertBackbone(len(tokens), 1, 2, hidden_dim=16),
            tfzoo.preprocessing.TokenClassifierPreprocessor(
                tfzoo.preprocessing.WordPieceTokenizer(tokens)
            ),
            entity_names=["who"],
        )
        model.compile()
        model.fit(words, tags, verbose=0)
        for entity in model.tag("Ann Lee fell"):
            print(entity.label, entity.text, entity.start, entity.end, entity.score)
        ```

    Source: Devlin et al. 2019, "BERT", section 5.3.
    """

    BACKBONE, PREPROCESSOR = BertBackbone, TokenClassifierPreprocessor
    SERVES = "tokens"
    INPUTS = {"text": "Texts."}
    RAW_DATA = "sentences as lists of words"

    def __init__(
        self,
        backbone,
        preprocessor=None,
        entity_names=(),
        dropout=0.1,
        long_documents=None,
        **kwargs,
    ):
        super().__init__(backbone, preprocessor, **kwargs)
        if preprocessor is not None and long_documents is None:
            require_room(backbone, preprocessor.sequence_length, "The preprocessor's rows")
        self.long_documents = checked_windows(long_documents, backbone)
        self.entity_names = checked_class_names(entity_names, "entity_names")
        tags = [name for name in self.entity_names if name == "O" or name[:2] in ("B-", "I-")]
        if tags:
            raise ValueError(
                "`entity_names` must be names without the B- and I- of their tags; received "
                f"{tags[0]!r}."
            )
        self.dropout_rate = dropout
        self.dropout = Dropout(dropout, dtype=self.dtype_policy, name="head_dropout")
        self.head = keras.layers.Dense(
            len(self.tag_names),
            kernel_initializer=initializer(),
            dtype=self.dtype_policy,
            name="head",
        )
        self.head.build((None, None, backbone.hidden_dim))

    @property
    def tag_names(self):
        """The C tags in the order of the logits: `O`, then `B-` and `I-` of each name."""
        return ("O", *(f"{side}-{name}" for name in self.entity_names for side in "BI"))

    @classmethod
    def from_preset(cls, folder, **arguments):
        """Loads a classifier, or makes one with a new head from any BERT.

        Args:
            folder: the preset of a classifier; or, with `entity_names`, that of any BERT, or a
                folder of Hugging Face or Google.
            **arguments: `entity_names` for a new head; `dropout` and `dtype` of the backbone; and
                `sequence_length`, by default as long as the backbone allows.

        Returns:
            A `BertTokenClassifier` that is not compiled.
        """
        if "entity_names" not in arguments:
            return super().from_preset(folder, **arguments)
        parts = pretrained_parts(BertBackbone, TokenClassifierPreprocessor, folder, arguments)
        return cls(*parts, **arguments)

    def compile(self, optimizer="auto", loss=None, learning_rate=1e-4, layer_decay=1.0, **kwargs):
        """Configures training.

        Args:
            optimizer: a Keras optimizer; "auto" is `tfzoo.optimizers.fine_tuning_adamw`: AdamW with
                warm-up and a straight line to zero at the end of the run.
            loss: a `TokenLoss`; None means `TokenLoss()`.
            learning_rate: float > 0, the peak of "auto".
            layer_decay: float in (0, 1], the learning rate of "auto" falls by this factor from each
                layer to the one below.
            **kwargs: passed to `Task.compile`: how to clip, accumulate and compile.
        """
        if optimizer == "auto":
            optimizer = auto_optimizer(self.backbone, learning_rate, layer_decay)
        kwargs.setdefault("jit_compile", False)  # rows differ in length
        super().compile(optimizer, loss or TokenLoss(), **kwargs)
        self.loss_metric = WeightedMean(name="loss")
        self.gradient_norm_metric = keras.metrics.Mean(name="gradient_norm")
        self.accuracy_metric = WeightedMean(name="accuracy")
        self.entity_metrics = [EntityScore(kind) for kind in ("precision", "recall", "f1")]

    @property
    def metrics(self):
        """Everything that is reset between epochs."""
        if not self.compiled:
            return []
        means = [self.loss_metric, self.gradient_norm_metric, self.accuracy_metric]
        return [*means, *self.entity_metrics]

    @property
    def trainable_variables(self):
        """The variables that training moves: not those of the pooler."""
        return self.backbone.without_pooler(super().trainable_variables)

    def call(self, inputs, training=False):
        """Returns logits (B, T, C)."""
        if self.long_documents is None or training:
            return self._logits(inputs, training)
        return token_outputs(self._logits, inputs, self.long_documents)

    def _logits(self, inputs, training=False):
        vectors = self.backbone(inputs, training=training)["sequence_output"]
        return self.head(self.dropout(vectors, training=training))

    def train_step(self, data):
        """One step on a batch `(x, targets, weights)`; weights are optional."""
        # Unpack
        x, targets, weights = unpack_tokens(data)
        total_weight = sum_over_replicas(tf.reduce_sum(weights))
        variables = self.trainable_variables

        def gradients_of(x, targets, weights):
            # Tape
            with tf.GradientTape() as tape:
                logits = self(x, training=True)
                # Loss: divided by the weight of the global batch, so that sums of it are its mean
                losses = self.objective(targets, logits)
                loss = tf.math.divide_no_nan(tf.reduce_sum(losses * weights), total_weight)
                scaled_loss = self.optimizer.scale_loss(loss)
            self.loss_metric.update_state(losses, weights)
            # Gradients
            return tape.gradient(scaled_loss, variables)

        gradients = accumulate_gradients(
            gradients_of, (x, targets, weights), self.gradient_accumulation
        )

        # Update
        gradients, norm = aggregate_and_clip(gradients, self.max_gradient_norm, self.optimizer)
        self.optimizer.apply(gradients, variables)

        # Log
        self.gradient_norm_metric.update_state(norm)
        return self.results([self.loss_metric, self.gradient_norm_metric])

    def test_step(self, data):
        """Adds a batch to the metrics; the pieces with a weight speak for their words."""
        x, targets, weights = unpack_tokens(data)
        logits = self(x, training=False)
        self.loss_metric.update_state(self.objective(targets, logits), weights)
        tags, _, num_words = word_tags(logits, weights > 0)
        targets = tf.ragged.boolean_mask(targets, weights > 0).to_tensor()
        right = tf.cast(tags == targets, tf.float32)
        self.accuracy_metric.update_state(right, tf.sequence_mask(num_words, tf.shape(tags)[1]))
        for metric in self.entity_metrics:
            metric.update_state(targets, tags)
        return self.results([self.loss_metric, self.accuracy_metric, *self.entity_metrics])

    def _attached(self):
        preprocessor = super()._attached()
        return uncut(preprocessor) if self.long_documents else preprocessor

    def is_raw(self, x):
        """Whether `x` is sentences as lists of words."""
        return is_word_lists(x)

    def training_batches(self, x, y, batch_size, seed):
        """Sentences of about one length in each batch, every sentence once in an epoch."""
        words = as_words(x)
        tags = as_tags(y, words, self.tag_names)
        rows = training_rows(self._attached(), words, tags, self.tag_names)
        if self.long_documents:
            rows = token_training_rows(*rows, self.long_documents)
        steps = -(-int(rows[1].nrows()) // batch_size)
        return bucketed_batches(rows, batch_size, seed=seed), steps

    def evaluation_batches(self, x, y, batch_size):
        """Every sentence once, the longest first."""
        words = as_words(x)
        tags = as_tags(y, words, self.tag_names)
        return evaluation_batches(self._attached(), words, tags, batch_size)

    tag = tag
    tag_words = tag_words
    serving_functions = serving_functions

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "entity_names": list(self.entity_names),
            "dropout": self.dropout_rate,
            "long_documents": self.long_documents and self.long_documents.get_config(),
        }
