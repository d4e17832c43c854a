"""What a tutorial writes: tfzoo's network in a `keras.Model` with the shortest step there is."""

import keras
import tensorflow as tf

from benchmarks import tfzoo_gpt
from tfzoo.losses import TokenLoss
from tfzoo.optimizers import AdamW


class Bare(keras.Model):
    """No weights of tokens, no replicas, no norm, one number in the logs.

    Args:
        network: a model from `{"token_ids"}` to logits.
    """

    def __init__(self, network):
        super().__init__()
        self.network = network

    def call(self, inputs, training=False):
        return self.network(inputs, training=training)

    def train_step(self, data):
        x, targets = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(TokenLoss()(targets, self(x, training=True)))
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return {"loss": loss}


def train(turns, shape, dtype, batch_size, steps):
    """Full rows, one batch again and again."""
    model = Bare(tfzoo_gpt.build(shape, dtype))
    model.compile(AdamW(1e-4, global_clipnorm=1.0))
    rows = tfzoo_gpt.full_rows(shape, batch_size)
    tfzoo_gpt.fit_for_ever(model, rows, turns, steps, batch_size * shape["length"])
