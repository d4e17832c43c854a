"""A causal language model: it predicts the next token, and writes by predicting on and on.

B batch, T target length, P prompt length, S slots of a draft, V vocabulary.
"""

import keras
import tensorflow as tf

from tfzoo.losses import TokenLoss
from tfzoo.metrics import BitsPerByte, Perplexity, WeightedMean
from tfzoo.models import preset, work
from tfzoo.models.arguments import require_room
from tfzoo.models.generation_graphs import generate_texts, score_texts
from tfzoo.models.gpt.gpt_backbone import GPTBackbone
from tfzoo.models.streamed_generation import continue_texts, start_texts, state_specs
from tfzoo.models.task import Task, sum_over_replicas
from tfzoo.models.text_generation import generate, score
from tfzoo.models.unpack import unpack_tokens
from tfzoo.optimizers import accumulate_gradients, aggregate_and_clip, auto_adamw
from tfzoo.preprocessing import CausalLMPreprocessor
from tfzoo.samplers import Draft


@keras.saving.register_keras_serializable(package="tfzoo")
class GPTCausalLM(Task):
    """GPT with the next-token objective: `fit` on texts, then `generate` and `score`.

    Args:
        backbone: a `GPTBackbone`.
        preprocessor: optional `CausalLMPreprocessor`; needed for raw texts and for `generate`.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: as in `GPTBackbone`.
        training: bool, whether dropout acts.

    Returns:
        Logits (B, T, V).

    Objective:
        The mean of `TokenLoss` over all target tokens of the global batch, each weighted by its
        sample weight: `sum(w * loss) / sum(w)`, both sums over all replicas and micro-batches.

    Logs:
        `loss`: the objective, nats per token. `gradient_norm`: before clipping. From `evaluate` and
        validation also `perplexity`, `token_accuracy` (share in [0, 1]) and, with a preprocessor,
        `bits_per_byte`; all of them from the plain cross-entropy.

    Randomness:
        Dropout, drawn differently on every replica and continued after a restart.

    Example:
        ```python
        import tfzoo

        preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(
            tfzoo.preprocessing.ByteTokenizer(), sequence_length=32
        )
        backbone = tfzoo.models.GPTBackbone(
            preprocessor.tokenizer.vocabulary_size, num_layers=1, num_heads=2, hidden_dim=16
        )
        model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
        model.compile()
        model.fit(["a short text", "and another one"], verbose=0)
        print(model.generate("a sh", max_new_tokens=8))
        ```
    """

    BACKBONE, PREPROCESSOR = GPTBackbone, CausalLMPreprocessor
    SERVES = "generation"
    INPUTS = {
        "text": "Texts: beginnings to be continued, or whole texts to be scored.",
        "max_new_tokens": "Tokens to write at most.",
        "temperature": "0 always takes the likeliest token; 1 draws as the model has learned.",
        "top_k": "Draw among the k likeliest tokens only; 0 among all.",
        "top_p": "Draw among the likeliest tokens that together reach probability p; 1 among all.",
        "seed": "The same seed draws the same text for the same batch of texts.",
    }

    def __init__(self, backbone, preprocessor=None, **kwargs):
        super().__init__(backbone, preprocessor, **kwargs)
        if preprocessor is not None:
            require_room(backbone, preprocessor.sequence_length, "The preprocessor's rows")

    def compile(self, optimizer="auto", loss=None, **kwargs):
        """Configures training.

        Args:
            optimizer: a Keras optimizer; "auto" is AdamW with warm-up and a cosine to the length of
                the run, decay on matrices only.
            loss: a `TokenLoss`; None means `TokenLoss()`.
            **kwargs: passed to `Task.compile`: how to clip, accumulate and compile.
        """
        if optimizer == "auto":
            optimizer = auto_adamw(work.matrix_weights_of(self.backbone))
        super().compile(optimizer, loss or TokenLoss(), **kwargs)
        self.loss_metric = WeightedMean(name="loss")
        self.gradient_norm_metric = keras.metrics.Mean(name="gradient_norm")
        self.evaluation_metrics = [
            Perplexity(),
            WeightedMean(name="token_accuracy"),
            *([BitsPerByte()] if self.preprocessor else []),
        ]

    @property
    def metrics(self):
        """Everything that is reset between epochs."""
        if not self.compiled:
            return []
        return [self.loss_metric, self.gradient_norm_metric, *self.evaluation_metrics]

    def call(self, inputs, training=False):
        """Returns logits (B, T, V)."""
        return self.backbone.predict_tokens(self.backbone(inputs, training=training))

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
        """Adds a batch to the metrics."""
        x, targets, weights = unpack_tokens(data)
        logits = self(x, training=False)
        self.loss_metric.update_state(self.objective(targets, logits), weights)
        nats = TokenLoss()(targets, logits)
        perplexity, accuracy, *bits_per_byte = self.evaluation_metrics
        perplexity.update_state(nats, weights)
        right = tf.argmax(logits, -1, output_type=targets.dtype) == targets
        accuracy.update_state(tf.cast(right, tf.float32), weights)
        for metric in bits_per_byte:
            lengths = self.preprocessor.tokenizer.token_lengths
            metric.update_state(nats, tf.gather(tf.constant(lengths), targets), weights)
        return self.results([self.loss_metric, *self.evaluation_metrics])

    def work_of(self, batch):
        """Counts what is in a batch; every token goes through the head."""
        head_weights = self.backbone.vocabulary_size * self.backbone.hidden_dim
        return work.of_text(self.backbone, batch, head_weights)

    generate = generate
    score = score

    def save_to_hugging_face(self, folder):
        """Saves for `transformers`; see `tfzoo.models.preset.save_hugging_face`."""
        preset.save_hugging_face(self, folder)

    def start_draft(self, token_ids, padding_mask):
        """Reads prompts, all but their last token, into a draft.

        Args:
            token_ids: int32 (B, P), padded on the left.
            padding_mask: bool (B, S), True for real tokens and for the slots to be written.

        Returns:
            A `Draft` of S slots, its memory a `KeyValueCache`.
        """
        length = tf.shape(token_ids)[1]
        room = [[0, 0], [0, tf.shape(padding_mask)[1] - length]]
        cache = self.backbone.empty_cache(padding_mask)
        _, cache = self.backbone({"token_ids": token_ids[:, :-1]}, cache=cache)
        return Draft(
            token_ids=tf.pad(token_ids, room),
            written=tf.pad(padding_mask[:, :length], room),
            log_probs=tf.zeros(tf.shape(padding_mask)),
            finished=tf.zeros(tf.shape(token_ids)[:1], tf.bool),
            index=length - 1,
            memory=cache,
        )

    def next_logits(self, token_ids, cache):
        """The network of `tfzoo.samplers.decode`: (B, 1) tokens and a cache to logits (B, V).

        V is the tokenizer's: a vocabulary padded to a round number has ids that mean nothing.
        """
        vectors, cache = self.backbone({"token_ids": token_ids}, cache=cache)
        logits = self.backbone.predict_tokens(vectors[:, -1])
        return logits[:, : self._attached().tokenizer.vocabulary_size], cache

    def serving_functions(self):
        """What `tfzoo.export` puts into a SavedModel: names, functions and their inputs.

        `generate`: text string (B,), max_new_tokens int32, temperature float32 (0 is greedy), top_k
        int32 (0 keeps all), top_p float32 (1 keeps all), seed int32 -> text string (B,), prompt and
        continuation; finished bool (B,), whether a stop token came before the limit; and
        num_prompt_tokens and num_new_tokens int32 (B,), the stop token not counted. `score`: text
        string (B,) -> log_likelihood float32 (B,) in nats, and the number of tokens, num_tokens
        int32 (B,), and per token, 0 behind the end, token_ids int32 and token_log_likelihoods
        float32 (B, None).

        `generate_start`: the inputs of `generate` -> new_text string (B,), what is written so far,
        whole characters only; num_new_tokens int32 (B,), those of this call; num_prompt_tokens
        int32 (B,); finished bool (B,), whether nothing follows; and the state of the texts.
        `generate_continue`: the outputs of one of the two, but for what is new -> the same,
        some tokens later. All pieces joined are what `generate` adds to text.
        """
        self._attached()

        def spec(dtype, name, shape=()):
            return tf.TensorSpec(shape, dtype, name)

        text = spec(tf.string, "text", [None])
        settings = [
            spec(tf.int32, "max_new_tokens"),
            spec(tf.float32, "temperature"),
            spec(tf.int32, "top_k"),
            spec(tf.float32, "top_p"),
            spec(tf.int32, "seed"),
        ]

        room = min(64, self.backbone.max_sequence_length // 2)

        def generate(text, max_new_tokens=room, temperature=0.0, top_k=0, top_p=1.0, seed=0):
            """Continues texts; what comes back are beginnings and continuations."""
            return generate_texts(self, text, max_new_tokens, temperature, top_k, top_p, seed)

        def generate_start(text, max_new_tokens=room, temperature=0.0, top_k=0, top_p=1.0, seed=0):
            """Begins to continue texts; gives what is new, and a state to go on with."""
            settings = dict(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
            return start_texts(self, text, max_new_tokens, **settings)

        def generate_continue(*state):
            """Writes some more tokens; takes and gives the state, and gives what is new."""
            names = [spec.name for spec in state_specs(self)]
            return continue_texts(self, **dict(zip(names, state, strict=True)))

        def score(text):
            """Says how probable each token is, given those before it."""
            tokens, log_likelihoods = score_texts(self, text)
            return {
                "log_likelihood": tf.reduce_sum(log_likelihoods, axis=1),
                "num_tokens": tf.cast(tokens.row_lengths(), tf.int32),
                "token_ids": tokens.to_tensor(),
                "token_log_likelihoods": log_likelihoods.to_tensor(),
            }

        return {
            "generate": (generate, [text, *settings]),
            "score": (score, [text]),
            "generate_start": (generate_start, [text, *settings]),
            "generate_continue": (generate_continue, state_specs(self)),
        }
