"""A causal language model: it predicts the next token, and writes by predicting on and on.

B batch, T target length, V vocabulary.
"""

import keras
import tensorflow as tf

from tfzoo.losses import TokenLoss
from tfzoo.metrics import BitsPerByte, Perplexity
from tfzoo.models.task import Task
from tfzoo.optimizers import aggregate_and_clip


@keras.saving.register_keras_serializable(package="tfzoo")
class GPTCausalLM(Task):
    def compile(
        self, optimizer="auto", loss=None, max_gradient_norm=1.0, gradient_accumulation=1, **kwargs
    ):
        super().compile(optimizer=optimizer, **kwargs)
        self.optimizer.build(self.trainable_variables)
        self.token_loss = loss or TokenLoss()
        self.max_gradient_norm = max_gradient_norm
        self.gradient_accumulation = gradient_accumulation
        self.loss_metric = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.loss_metric]

    def call(self, inputs, training=False):
        return self.backbone.predict_tokens(self.backbone(inputs, training=training))

    def train_step(self, data):
        x, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is None:
            weights = tf.ones(tf.shape(targets))
        with tf.GradientTape() as tape:
            logits = self(x, training=True)
            losses = self.token_loss(targets, logits)
            loss = tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients = tape.gradient(scaled, variables)
        gradients, norm = aggregate_and_clip(gradients, self.max_gradient_norm, self.optimizer)
        self.optimizer.apply(gradients, variables)
        self.loss_metric.update_state(losses, weights)
        return {m.name: m.result() for m in self.metrics}
