"""BERT that says which class a text, or a pair of texts, belongs to.

B examples, T tokens, D hidden_dim, C classes.
"""

import keras
import numpy as np
import tensorflow as tf

from tfzoo.data import bucketed_batches, sorted_batches
from tfzoo.layers import Dropout
from tfzoo.losses import LabelLoss, TokenLoss
from tfzoo.metrics import MacroF1
from tfzoo.models.arguments import require_room
from tfzoo.models.bert.bert_backbone import BertBackbone, initializer
from tfzoo.models.bert.fine_tuning import auto_optimizer, checked_class_names, pretrained_parts
from tfzoo.models.bert.labelled_examples import (
    as_examples,
    is_examples,
    require_every_class,
    target_array,
)
from tfzoo.models.bert.long_documents import (
    checked_windows,
    document_outputs,
    refuse_pairs,
    text_training_rows,
    uncut,
)
from tfzoo.models.bert.text_classification import classify, serving_functions
from tfzoo.models.task import Task, sum_over_replicas
from tfzoo.models.unpack import unpack_examples
from tfzoo.optimizers import accumulate_gradients, aggregate_and_clip
from tfzoo.preprocessing import TextClassifierPreprocessor


@keras.saving.register_keras_serializable(package="tfzoo")
class BertTextClassifier(Task):
    """BERT with a linear layer over one vector for each text: `fit` on texts, then `classify`.

    Args:
        backbone: a `BertBackbone`.
        preprocessor: optional `TextClassifierPreprocessor`; needed for raw texts.
        class_names: C strings.
        multi_label: bool, whether a text may have any number of the classes instead of exactly one.
        pooling: "mean", the mean of the vectors of all tokens; or "cls", the backbone's
            `pooled_output`, which is worth something if the checkpoint was trained with it.
        dropout: float in [0, 1), on the pooled vector.
        long_documents: optional `SlidingWindows`. A text is then read to its end, in windows that
            overlap, and its logits are the mean over them, weighted by their lengths, which is what
            the mean of their vectors gives. Training takes each window for a text of its own, and
            all of a text together count as one. Without it a text is cut at the preprocessor's
            length.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: as in `BertBackbone`.
        training: bool, whether dropout acts.

    Returns:
        Logits (B, C).

    Objective:
        The weighted mean over the examples of the global batch of the cross-entropy, the weight of
        an example being its sample weight times the weight of its class. With `multi_label`, the
        loss of an example is the mean over the classes, by their weights, of `LabelLoss`.

    Logs:
        `loss`: the objective, nats. `gradient_norm`: before clipping. From `evaluate` and
        validation also `accuracy`, the share in [0, 1] of examples with the right class, or with
        exactly the right set of classes; and `macro_f1` in [0, 1].

    Randomness:
        Dropout, drawn differently on every replica and continued after a restart. The order of raw
        data is a function of `fit`'s seed.

    Example:
        ```python
        import tfzoo

        texts, labels = ["play it again", "stop it now", "play", "stop"], ["go", "halt"] * 2
        tokenizer = tfzoo.preprocessing.WordPieceTokenizer.train(texts, vocabulary_size=40)
        model = tfzoo.models.BertTextClassifier(
            tfzoo.models.BertBackbone(tokenizer.vocabulary_size, 1, 2, hidden_dim=16),
            tfzoo.preprocessing.TextClassifierPreprocessor(tokenizer),
            class_names=["go", "halt"],
        )
        model.compile()
        model.fit(texts, labels, verbose=0)
        print(model.classify("play it now", top_k=1))
        ```

    Source: Devlin et al. 2019, "BERT", section 4.1.
    """

    BACKBONE, PREPROCESSOR = BertBackbone, TextClassifierPreprocessor
    SERVES = "classification"
    INPUTS = {
        "text": "Texts, or the first text of each pair.",
        "second_text": "The second text of each pair.",
    }
    RAW_DATA = "texts or pairs of texts"

    def __init__(
        self,
        backbone,
        preprocessor=None,
        class_names=(),
        multi_label=False,
        pooling="mean",
        dropout=0.1,
        long_documents=None,
        **kwargs,
    ):
        super().__init__(backbone, preprocessor, **kwargs)
        if preprocessor is not None and long_documents is None:
            require_room(backbone, preprocessor.sequence_length, "The preprocessor's rows")
        self.long_documents = checked_windows(long_documents, backbone)
        if pooling not in ("mean", "cls") or (pooling == "cls" and not backbone.use_pooler):
            raise ValueError(
                '`pooling` must be "mean", or "cls" for a backbone with `use_pooler`; received '
                f"{pooling!r}."
            )
        self.class_names = checked_class_names(class_names)
        self.multi_label = multi_label
        self.pooling = pooling
        self.dropout_rate = dropout
        # One vector for each text: precision costs nothing here.
        self.dropout = Dropout(dropout, dtype="float32", name="head_dropout")
        self.head = keras.layers.Dense(
            len(self.class_names),
            kernel_initializer=initializer(),
            dtype="float32",
            name="head",
        )
        self.head.build((None, backbone.hidden_dim))

    @classmethod
    def from_preset(cls, folder, **arguments):
        """Loads a classifier, or makes one with a new head from any BERT.

        Args:
            folder: the preset of a classifier; or, with `class_names`, that of any BERT, or a
                folder of Hugging Face or Google.
            **arguments: `class_names` and the other arguments of the constructor for a new head,
                where `dropout` and `dtype` are those of the backbone, and `sequence_length`, by
                default as long as the backbone allows.

        Returns:
            A `BertTextClassifier` that is not compiled.
        """
        if "class_names" not in arguments:
            return super().from_preset(folder, **arguments)
        parts = pretrained_parts(BertBackbone, TextClassifierPreprocessor, folder, arguments)
        return cls(*parts, **arguments)

    def compile(
        self,
        optimizer="auto",
        loss=None,
        class_weight=None,
        learning_rate=1e-4,
        layer_decay=1.0,
        **kwargs,
    ):
        """Configures training.

        Args:
            optimizer: a Keras optimizer; "auto" is `tfzoo.optimizers.fine_tuning_adamw`: AdamW with
                warm-up and a straight line to zero at the end of the run.
            loss: a `TokenLoss`, or with `multi_label` a `LabelLoss`; None means the plain one.
            class_weight: optional dict from names of classes to floats >= 0; 1 for the others.
            learning_rate: float > 0, the peak of "auto".
            layer_decay: float in (0, 1], the learning rate of "auto" falls by this factor from each
                layer to the one below.
            **kwargs: passed to `Task.compile`: how to clip, accumulate and compile.
        """
        if optimizer == "auto":
            optimizer = auto_optimizer(self.backbone, learning_rate, layer_decay)
        kwargs.setdefault("jit_compile", False)  # rows differ in length
        loss = loss or (LabelLoss() if self.multi_label else TokenLoss())
        super().compile(optimizer, loss, **kwargs)
        self.class_weight = checked_class_weight(class_weight, self.class_names)
        self.loss_metric = keras.metrics.Mean(name="loss")
        self.gradient_norm_metric = keras.metrics.Mean(name="gradient_norm")
        self.evaluation_metrics = [
            keras.metrics.Mean(name="accuracy"),
            MacroF1(len(self.class_names)),
        ]

    @property
    def metrics(self):
        """Everything that is reset between epochs."""
        if not self.compiled:
            return []
        return [self.loss_metric, self.gradient_norm_metric, *self.evaluation_metrics]

    @property
    def trainable_variables(self):
        """The variables that training moves: not those of a pooler that is not used."""
        variables = super().trainable_variables
        return variables if self.pooling == "cls" else self.backbone.without_pooler(variables)

    def get_compile_config(self):
        """Returns the arguments of `compile`, so that a saved model comes back compiled."""
        class_weight = dict(zip(self.class_names, self.class_weight, strict=True))
        return {**super().get_compile_config(), "class_weight": class_weight}

    def call(self, inputs, training=False):
        """Returns logits (B, C)."""
        if self.long_documents is None or training:
            return self._logits(inputs, training)
        return document_outputs(self._logits, inputs, self.long_documents)

    def _logits(self, inputs, training=False):
        outputs = self.backbone(inputs, training=training)
        if self.pooling == "cls":
            vector = outputs["pooled_output"]
        else:
            vector = mean_vector(outputs["sequence_output"], inputs.get("padding_mask"))
        return self.head(self.dropout(tf.cast(vector, tf.float32), training=training))

    def train_step(self, data):
        """One step on a batch `(x, targets, weights)`; weights are optional."""
        # Unpack
        x, targets, weights = unpack_examples(data)
        weights = self._weigh_classes(targets, weights)
        total_weight = sum_over_replicas(tf.reduce_sum(weights))
        variables = self.trainable_variables

        def gradients_of(x, targets, weights):
            # Tape
            with tf.GradientTape() as tape:
                logits = self(x, training=True)
                # Loss: divided by the weight of the global batch, so that sums of it are its mean
                losses = self._example_losses(targets, logits)
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
        """Adds a batch to the metrics."""
        x, targets, weights = unpack_examples(data)
        logits = self(x, training=False)
        losses = self._example_losses(targets, logits)
        self.loss_metric.update_state(losses, self._weigh_classes(targets, weights))
        if self.multi_label:
            targets, predictions = targets > 0.5, logits > 0
            is_right = tf.reduce_all(predictions == targets, axis=-1)
        else:
            predictions = tf.argmax(logits, -1, output_type=targets.dtype)
            is_right = predictions == targets
        accuracy, macro_f1 = self.evaluation_metrics
        accuracy.update_state(tf.cast(is_right, tf.float32), weights)
        macro_f1.update_state(targets, predictions, weights)
        return self.results([self.loss_metric, *self.evaluation_metrics])

    def _attached(self):
        preprocessor = super()._attached()
        return uncut(preprocessor) if self.long_documents else preprocessor

    def _rows(self, texts):
        if self.long_documents:
            refuse_pairs(texts)
        return self._attached().rows(texts)

    def is_raw(self, x):
        """Whether `x` is texts, pairs of texts, or a dataset of texts."""
        return is_examples(x)

    def training_batches(self, x, y, batch_size, seed):
        """Texts of about one length in each batch, every text once in an epoch."""
        texts, y = as_examples(x, y)
        targets = target_array(y, len(texts), self.class_names, self.multi_label)
        require_every_class(targets, self.class_names)
        rows = (self._rows(texts), targets)
        if self.long_documents:
            rows = text_training_rows(*rows, self.long_documents)
        steps = -(-int(rows[1].shape[0]) // batch_size)
        return bucketed_batches(rows, batch_size, seed=seed), steps

    def evaluation_batches(self, x, y, batch_size):
        """Every text once, the longest first."""
        texts, y = as_examples(x, y)
        targets = target_array(y, len(texts), self.class_names, self.multi_label)
        return sorted_batches((self._rows(texts), targets), batch_size)[0]

    def predict(self, x, batch_size=32, **kwargs):
        """Logits (N, C) of prepared batches or of raw texts, as a NumPy array, in their order."""
        if not self.is_raw(x):
            return super().predict(x, batch_size, **kwargs)
        rows = self._rows(as_examples(x)[0])
        dataset, order = sorted_batches(rows, batch_size)
        return super().predict(dataset, **kwargs)[np.argsort(order)]

    classify = classify
    serving_functions = serving_functions

    def _example_losses(self, targets, logits):
        """The loss of each example (B,)."""
        losses = self.objective(targets, logits)
        if not self.multi_label:
            return losses
        return tf.reduce_sum(losses * self.class_weight, axis=-1) / sum(self.class_weight)

    def _weigh_classes(self, targets, weights):
        if self.multi_label:
            return weights
        return weights * tf.gather(tf.constant(self.class_weight), targets)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "class_names": list(self.class_names),
            "multi_label": self.multi_label,
            "pooling": self.pooling,
            "dropout": self.dropout_rate,
            "long_documents": self.long_documents and self.long_documents.get_config(),
        }


def mean_vector(vectors, padding_mask):
    """The mean of vectors (B, T, D) over real tokens: float32 (B, D)."""
    if padding_mask is None:
        padding_mask = tf.ones(tf.shape(vectors)[:2])
    weights = tf.expand_dims(tf.cast(padding_mask, tf.float32), -1)
    sums = tf.reduce_sum(tf.cast(vectors, tf.float32) * weights, axis=1)
    return sums / tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)


def checked_class_weight(class_weight, class_names):
    """The weight of each class, in the order of the names."""
    class_weight = dict(class_weight or {})
    unknown = sorted(set(class_weight) - set(class_names))
    weights = [float(class_weight.get(name, 1.0)) for name in class_names]
    if unknown or min(weights) < 0 or not 0 < sum(weights) < float("inf"):
        raise ValueError(
            "`class_weight` must map names of classes to numbers of 0 or more, not all 0; received "
            f"{class_weight!r:.200}."
        )
    return tuple(weights)
