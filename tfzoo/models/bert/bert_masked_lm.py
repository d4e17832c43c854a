"""A masked language model: it learns a language by guessing the words that are missing.

B batch, T length, P masked positions, D hidden_dim, V vocabulary.
"""

import keras
import tensorflow as tf

from tfzoo.layers import MaskedLMHead
from tfzoo.losses import TokenLoss
from tfzoo.metrics import Perplexity, WeightedMean
from tfzoo.models import preset, work
from tfzoo.models.arguments import require_room
from tfzoo.models.bert import filling, masked_batches
from tfzoo.models.bert.bert_backbone import BertBackbone, initializer
from tfzoo.models.task import Task, sum_over_replicas
from tfzoo.models.unpack import parts_of
from tfzoo.optimizers import accumulate_gradients, aggregate_and_clip, auto_adamw
from tfzoo.preprocessing import MaskedLMPreprocessor


@keras.saving.register_keras_serializable(package="tfzoo")
class BertMaskedLM(Task):
    """BERT with the objective of its pretraining: `fit` on texts, `fill_mask`, `score`.

    Args:
        backbone: a `BertBackbone`.
        preprocessor: optional `MaskedLMPreprocessor`; needed for raw texts.
        next_sentence: bool, whether it also learns if the second segment of a row follows the
            first. The pooler is trained only then.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: as in `BertBackbone`, and optionally `mask_positions` int (B, P).
        training: bool, whether dropout acts.

    Returns:
        Logits (B, P, V) at the masked positions, or (B, T, V) at all. With `next_sentence` a dict
        of them, `mask_ids`, and of the logits (B, 2), `next_sentence`, where 0 is "it follows".

    Objective:
        The mean of `TokenLoss` over all masked tokens of the global batch, each weighted by its
        sample weight: `sum(w * loss) / sum(w)`, both sums over all replicas and micro-batches. With
        `next_sentence`, plus the mean cross-entropy of that choice over all rows.

    Logs:
        `loss`: the first mean, nats per masked token. `gradient_norm`: before clipping. From
        `evaluate` and validation also `perplexity` and `token_accuracy` (share in [0, 1]), of the
        masked tokens and from the plain cross-entropy. With `next_sentence` also
        `next_sentence_loss`, nats, and from `evaluate` `next_sentence_accuracy`.

    Randomness:
        Which tokens are masked: drawn from the seed of `fit`, anew at every step; in `evaluate`
        always the same. Dropout, drawn differently on every replica and continued after a restart.

    Example:
        ```python
        import tfzoo

        texts = ["to be or not to be", "that is the question"] * 2
        tokenizer = tfzoo.preprocessing.WordPieceTokenizer.train(texts, vocabulary_size=60)
        preprocessor = tfzoo.preprocessing.MaskedLMPreprocessor(tokenizer, sequence_length=32)
        backbone = tfzoo.models.BertBackbone(
            tokenizer.vocabulary_size, num_layers=1, num_heads=2, hidden_dim=16
        )
        model = tfzoo.models.BertMaskedLM(backbone, preprocessor)
        model.compile()
        model.fit(texts, verbose=0)
        print(model.fill_mask("to be or [MASK] to be", top_k=3)[0].text)
        ```

    Source: Devlin et al. 2019, section 3.1.
    """

    BACKBONE, PREPROCESSOR = BertBackbone, MaskedLMPreprocessor
    SERVES = "masked_lm"
    INPUTS = {
        "text": "Texts, hidden words written as [MASK].",
        "top_k": "Guesses for each hidden word, the most probable first.",
    }

    def __init__(self, backbone, preprocessor=None, next_sentence=False, **kwargs):
        super().__init__(backbone, preprocessor, **kwargs)
        if next_sentence and backbone.pooler is None:
            raise ValueError(
                "`next_sentence=True` reads the pooler; received a backbone with use_pooler=False."
            )
        if preprocessor is not None and preprocessor.next_sentence != next_sentence:
            raise ValueError(
                f"`preprocessor` must have next_sentence={next_sentence}, as the task has; "
                f"received one with next_sentence={preprocessor.next_sentence}."
            )
        if preprocessor is not None:
            require_room(backbone, preprocessor.sequence_length, "The preprocessor's rows")
        self.next_sentence = next_sentence
        self.masked_lm_head = MaskedLMHead(
            backbone.vocabulary_size,
            backbone.activation,
            backbone.layer_norm_epsilon,
            kernel_initializer=initializer(),
            dtype=backbone.dtype_policy,
            name="masked_lm_head",
        )
        self.masked_lm_head.build((None, None, backbone.hidden_dim))
        self.next_sentence_head = None
        if next_sentence:
            self.next_sentence_head = keras.layers.Dense(
                2,
                kernel_initializer=initializer(),
                dtype=backbone.dtype_policy,
                name="next_sentence_head",
            )
            self.next_sentence_head.build((None, backbone.hidden_dim))

    @property
    def trainable_variables(self):
        """All that the objective depends on: without next sentences, not the pooler."""
        variables = super().trainable_variables
        return variables if self.next_sentence else self.backbone.without_pooler(variables)

    def compile(self, optimizer="auto", loss=None, **kwargs):
        """Configures training.

        Args:
            optimizer: a Keras optimizer; "auto" is AdamW with warm-up and a cosine to the length of
                the run, decay on matrices only. From nothing `MuonAdamW(WarmupCosine(0.02))` of
                `tfzoo.optimizers` learns several times as fast; do not use it to go on from a
                checkpoint that AdamW trained.
            loss: a `TokenLoss`; None means `TokenLoss()`.
            **kwargs: passed to `Task.compile`: how to clip, accumulate and compile.
        """
        if optimizer == "auto":
            optimizer = auto_adamw(work.matrix_weights_of(self.backbone))
        super().compile(optimizer, loss or TokenLoss(), **kwargs)
        self.loss_metrics = [WeightedMean(name="loss")]
        self.evaluation_metrics = [Perplexity(), WeightedMean(name="token_accuracy")]
        if self.next_sentence:
            self.loss_metrics.append(keras.metrics.Mean(name="next_sentence_loss"))
            self.evaluation_metrics.append(keras.metrics.Mean(name="next_sentence_accuracy"))
        self.gradient_norm_metric = keras.metrics.Mean(name="gradient_norm")

    @property
    def metrics(self):
        """Everything that is reset between epochs."""
        if not self.compiled:
            return []
        return [*self.loss_metrics, self.gradient_norm_metric, *self.evaluation_metrics]

    def call(self, inputs, training=False):
        """Returns logits; see the class."""
        outputs = self.backbone(inputs, training=training)
        x = outputs["sequence_output"]
        if "mask_positions" in inputs:
            x = tf.gather(x, inputs["mask_positions"], batch_dims=1)
        logits = self.masked_lm_head(x, self.backbone.token_embedding.embeddings)
        if not self.next_sentence:
            return logits
        return {
            "mask_ids": logits,
            "next_sentence": self.next_sentence_head(outputs["pooled_output"]),
        }

    def token_logits(self, inputs):
        """Logits of tokens, (B, P, V) or (B, T, V), without those of the next sentence."""
        outputs = self(inputs, training=False)
        return outputs["mask_ids"] if self.next_sentence else outputs

    def train_step(self, data):
        """One step on a batch `(x, mask_ids, mask_weights)`; weights are optional."""
        # Unpack
        x, targets, weights = unpack(data)
        totals = sum_over_replicas([tf.reduce_sum(w) for w in weights])
        variables = self.trainable_variables

        def gradients_of(x, targets, weights):
            # Tape
            with tf.GradientTape() as tape:
                losses = self._parts_of_loss(self(x, training=True), targets)
                # Loss: divided by the weight of the global batch, so that sums of it are its mean
                loss = tf.add_n(
                    [
                        tf.math.divide_no_nan(tf.reduce_sum(part * w), total)
                        for part, w, total in zip(losses, weights, totals, strict=True)
                    ]
                )
                scaled_loss = self.optimizer.scale_loss(loss)
            for metric, part, w in zip(self.loss_metrics, losses, weights, strict=True):
                metric.update_state(part, w)
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
        return self.results([*self.loss_metrics, self.gradient_norm_metric])

    def test_step(self, data):
        """Adds a batch to the metrics."""
        x, targets, weights = unpack(data)
        outputs = self(x, training=False)
        losses = self._parts_of_loss(outputs, targets)
        for metric, part, w in zip(self.loss_metrics, losses, weights, strict=True):
            metric.update_state(part, w)
        perplexity, *accuracies = self.evaluation_metrics
        outputs, targets = tf.nest.flatten(outputs), tf.nest.flatten(targets)
        perplexity.update_state(TokenLoss()(targets[0], outputs[0]), weights[0])
        for metric, logits, target, w in zip(accuracies, outputs, targets, weights, strict=True):
            right = tf.argmax(logits, -1, output_type=target.dtype) == target
            metric.update_state(tf.cast(right, tf.float32), w)
        return self.results([*self.loss_metrics, *self.evaluation_metrics])

    def _parts_of_loss(self, outputs, targets):
        """The loss of each masked token, and with next sentences that of each row."""
        if not self.next_sentence:
            return [self.objective(targets, outputs)]
        return [
            self.objective(targets["mask_ids"], outputs["mask_ids"]),
            TokenLoss()(targets["next_sentence"], outputs["next_sentence"]),
        ]

    def work_of(self, batch):
        """Counts what is in a batch; the head reads the vectors of masked tokens only."""
        _, _, weights = unpack(batch)
        width = self.backbone.hidden_dim
        head = work.of_predictions(weights[0], width * (width + self.backbone.vocabulary_size))
        return work.of_text(self.backbone, batch) + head

    fill_mask = filling.fill_mask
    score = filling.score
    fill_mask_in_graph = filling.fill_mask_in_graph
    score_in_graph = filling.score_in_graph

    def token_names(self):
        """The names of the V tokens, as a string tensor."""
        tokenizer = self.preprocessor.tokenizer
        names = [tokenizer.id_to_token(n) for n in range(tokenizer.vocabulary_size)]
        # A network may have room for more.
        return tf.constant(names + [""] * (self.backbone.vocabulary_size - len(names)))

    def training_batches(self, x, y, batch_size, seed):
        """Packs texts into rows, and masks them anew at every step."""
        self._refuse_labels(y)
        return masked_batches.training_batches(self._attached(), x, batch_size, seed)

    def evaluation_batches(self, x, y, batch_size):
        """Packs texts into rows, whose masks are always the same."""
        self._refuse_labels(y)
        return masked_batches.evaluation_batches(self._attached(), x, batch_size)

    def prediction_batches(self, x, batch_size):
        """A row for each text, in order, all padded to one length."""
        return masked_batches.prediction_batches(self._attached(), x, batch_size)

    def save_to_hugging_face(self, folder):
        """Saves for `transformers`; see `tfzoo.models.preset.save_hugging_face`."""
        preset.save_hugging_face(self, folder)

    def serving_functions(self):
        """What `tfzoo.export` puts into a SavedModel: names, functions and their inputs.

        `fill_mask`: text string (B,), top_k int32 -> tokens string and probabilities float32
        (B, M, top_k) for each of its M masks, "" and 0 behind the last of a text, and count int32
        (B,). `score`: text string (B,) -> log_likelihood float32 (B,), the sum over all tokens,
        each given the others, in nats; num_tokens int32 (B,); and per token, 0 behind the end,
        token_ids int32 and token_log_likelihoods float32 (B, None).
        """
        self._attached()
        text = tf.TensorSpec([None], tf.string, "text")
        top_k = tf.TensorSpec([], tf.int32, "top_k")

        def fill_mask(text, top_k=5):
            """Guesses the hidden words of texts."""
            return self.fill_mask_in_graph(text, top_k)

        def score(text):
            """Says how probable each token is, given all others."""
            return self.score_in_graph(text)

        return {
            "fill_mask": (fill_mask, [text, top_k]),
            "score": (score, [text]),
        }

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "next_sentence": self.next_sentence}


def unpack(data):
    """`(x, targets[, weights])` -> x, targets, and a list of float32 weights for each target."""
    x, targets, weights = parts_of(data)
    if "mask_positions" not in x:
        raise ValueError(
            "A batch must have `mask_positions`, as `MaskedLMPreprocessor.mask` makes them; "
            f"received {', '.join(x)}."
        )
    targets_list, given = tf.nest.flatten(targets), tf.nest.flatten(weights)
    if weights is None:
        given = []
    missing = [tf.ones(tf.shape(part)) for part in targets_list[len(given) :]]
    return x, targets, [tf.cast(part, tf.float32) for part in given] + missing
