"""Extractive question answering: BERT finds the answer to a question in a text.

B questions, W windows of all contexts, T length of a row, D hidden_dim.
"""

import keras
import tensorflow as tf

from tfzoo.models.arguments import require_room
from tfzoo.models.bert import question_answering
from tfzoo.models.bert.answer_spans import IMPOSSIBLE, row_losses
from tfzoo.models.bert.bert_backbone import BertBackbone, initializer
from tfzoo.models.bert.pretrained import from_pretrained
from tfzoo.models.bert.question_batches import evaluation_batches, is_examples, training_batches
from tfzoo.models.task import Task, sum_over_replicas
from tfzoo.models.unpack import unpack_examples
from tfzoo.optimizers import accumulate_gradients, aggregate_and_clip, fine_tuning_adamw
from tfzoo.preprocessing import QuestionAnsweringPreprocessor, SlidingWindows


@keras.saving.register_keras_serializable(package="tfzoo")
class BertQuestionAnswerer(Task):
    """BERT with two scores for each token: the answer starts here, it ends here.

    `fit` on `QuestionAnswerExample`s, as `tfzoo.data.load_squad` reads them, then `answer`. A
    context of any length is read in windows that overlap; the preprocessor says how.

    Args:
        backbone: a `BertBackbone`; its pooler is neither used nor trained.
        preprocessor: optional `QuestionAnsweringPreprocessor`; needed for everything raw.
        max_answer_length: int, tokens of the longest answer that is given.
        no_answer_threshold: optional float. The answer is "" where the logit of no answer exceeds
            the best answer's by more than this. None always answers: right after training on
            questions that all have an answer; 0 is right after training on SQuAD 2.0.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: as in `BertBackbone`.
        training: bool, whether dropout acts.

    Returns:
        Logits float32 (W, 2, T), of starts and of ends, at each place of the row.

    Objective:
        The cross-entropy of the start plus that of the end, halved, both over the real places of a
        row; the mean over all rows of the global batch, by their sample weights. A row without the
        whole answer has its start and its end at `[CLS]`.

    Logs:
        `loss`: the objective, nats. `gradient_norm`: before clipping. From `evaluate` and
        validation on examples also `exact_match` and `f1`, shares in [0, 1], as SQuAD defines them.

    Randomness:
        Dropout, drawn differently on every replica and continued after a restart.

    Example:
        ```python
        import tfzoo
        from tfzoo.data import QuestionAnswerExample

        examples = [QuestionAnswerExample("who sang", "ann sang and bo fell", [("ann", 0)])]
        words = "[PAD] [UNK] [CLS] [SEP] [MASK] who sang ann and bo fell".split()
        preprocessor = tfzoo.preprocessing.QuestionAnsweringPreprocessor(
            tfzoo.preprocessing.WordPieceTokenizer(words)
        )
        backbone = tfzoo.models.BertBackbone(len(words), num_layers=1, num_heads=2, hidden_dim=16)
        model = tfzoo.models.BertQuestionAnswerer(backbone, preprocessor)
        model.compile()
        model.fit(examples, verbose=0)
        found = model.answer("who fell", "ann sang and bo fell")
        print(found.text, found.start, found.end, found.score)
        ```

    Source: Devlin et al. 2019, "BERT", section 4.2; 4.3 for questions without an answer.
    """

    BACKBONE, PREPROCESSOR = BertBackbone, QuestionAnsweringPreprocessor
    SERVES = "answers"
    INPUTS = {
        "question": "Questions.",
        "context": "The document that holds the answer of each question, of any length.",
    }
    RAW_DATA = "a list of `QuestionAnswerExample`s"

    def __init__(
        self,
        backbone,
        preprocessor=None,
        max_answer_length=30,
        no_answer_threshold=None,
        **kwargs,
    ):
        super().__init__(backbone, preprocessor, **kwargs)
        if max_answer_length < 1:
            raise ValueError(
                f"`max_answer_length` must be at least 1; received {max_answer_length}."
            )
        if preprocessor is not None:
            require_room(backbone, preprocessor.sequence_length, "The window of `preprocessor`")
        self.head = keras.layers.Dense(
            2, kernel_initializer=initializer(), dtype=self.dtype_policy, name="head"
        )
        self.head.build((None, None, backbone.hidden_dim))
        self.max_answer_length = max_answer_length
        self.no_answer_threshold = no_answer_threshold

    @classmethod
    def from_preset(cls, folder, **arguments):
        """Loads a question answerer, or gives any BERT a new head.

        Args:
            folder: the preset of a question answerer or of any other BERT, or a folder of Hugging
                Face or Google.
            **arguments: `dropout` and `dtype` of the backbone; for a new head also the arguments of
                the constructor, and `long_documents` and `max_question_length` of the preprocessor.

        Returns:
            A `BertQuestionAnswerer` that is not compiled.
        """
        windows = arguments.pop("long_documents", None)
        question_length = arguments.pop("max_question_length", None)

        def preprocessor(tokenizer, length):
            length = min(length, 384)
            usual = SlidingWindows(length, min(128, length // 2))
            return QuestionAnsweringPreprocessor(tokenizer, windows or usual, question_length)

        return from_pretrained(cls, preprocessor, folder, arguments)

    def compile(self, optimizer="auto", learning_rate=1e-4, **kwargs):
        """Configures training.

        Args:
            optimizer: a Keras optimizer; "auto" is `tfzoo.optimizers.fine_tuning_adamw`: AdamW with
                warm-up and a straight line to zero at the end of the run.
            learning_rate: float > 0, the peak of "auto".
            **kwargs: passed to `Task.compile`: how to clip, accumulate and compile.
        """
        if optimizer == "auto":
            optimizer = fine_tuning_adamw(learning_rate)
        # Rows differ in length, and examples are strings: neither is for XLA unless asked for.
        kwargs.setdefault("jit_compile", False)
        super().compile(optimizer, **kwargs)
        self.loss_metric = keras.metrics.Mean(name="loss")
        self.gradient_norm_metric = keras.metrics.Mean(name="gradient_norm")
        self.answer_metrics = [
            keras.metrics.Mean(name="exact_match"),
            keras.metrics.Mean(name="f1"),
        ]

    @property
    def metrics(self):
        """Everything that is reset between epochs."""
        if not self.compiled:
            return []
        return [self.loss_metric, self.gradient_norm_metric, *self.answer_metrics]

    @property
    def trainable_variables(self):
        """The variables that training moves: not those of a pooler."""
        return self.backbone.without_pooler(super().trainable_variables)

    def call(self, inputs, training=False):
        """Returns logits (W, 2, T)."""
        vectors = self.backbone(inputs, training=training)["sequence_output"]
        logits = tf.cast(tf.linalg.matrix_transpose(self.head(vectors)), tf.float32)
        padding_mask = inputs.get("padding_mask")
        if padding_mask is None:
            return logits
        return tf.where(tf.cast(padding_mask, tf.bool)[:, None], logits, IMPOSSIBLE)

    def train_step(self, data):
        """One step on a batch `(x, targets, weights)`; weights are optional."""
        # Unpack
        x, targets, weights = unpack_examples(data)
        total_weight = sum_over_replicas(tf.reduce_sum(weights))
        variables = self.trainable_variables

        def gradients_of(x, targets, weights):
            # Tape
            with tf.GradientTape() as tape:
                logits = self(x, training=True)
                # Loss: divided by the weight of the global batch, so that sums of it are its mean
                losses = row_losses(targets, logits)
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
        """Adds a batch to the metrics: of prepared rows, or of examples as strings."""
        x, targets, weights = unpack_examples(data, key=None)
        if "context" not in x:
            self.loss_metric.update_state(row_losses(targets, self(x, training=False)), weights)
            return self.results([self.loss_metric])
        losses, *scores = question_answering.scores(self, x, targets)
        self.loss_metric.update_state(losses)
        for metric, values in zip(self.answer_metrics, scores, strict=True):
            metric.update_state(values)
        return self.results([self.loss_metric, *self.answer_metrics])

    answer = question_answering.answer

    def is_raw(self, x):
        """Whether `x` is a list of `QuestionAnswerExample`s."""
        return is_examples(x)

    def training_batches(self, x, y, batch_size, seed):
        """Rows of all examples, bucketed by length."""
        self._refuse_labels(y)
        return training_batches(self._attached(), x, batch_size, seed)

    def evaluation_batches(self, x, y, batch_size):
        """Examples as strings, those with long contexts first."""
        self._refuse_labels(y)
        self._attached()
        return evaluation_batches(x, batch_size)

    def serving_functions(self):
        """What `tfzoo.export` puts into a SavedModel: names, functions and their inputs.

        `answer`: question string (B,), context string (B,) -> text string (B,), start and end int32
        (B,), characters of the context (0 and 0 for no answer), and score float32 (B,) in [0, 1].
        """
        self._attached()
        inputs = [tf.TensorSpec([None], tf.string, name) for name in ("question", "context")]

        def answer(question, context):
            """Finds the words of each document that answer its question."""
            return question_answering.find_answers(self, question, context)._asdict()

        return {"answer": (answer, inputs)}

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "max_answer_length": self.max_answer_length,
            "no_answer_threshold": self.no_answer_threshold,
        }
