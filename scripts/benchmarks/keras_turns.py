"""Turns inside `fit`: it never starts or stops while the clock runs."""

import keras


class TurnsOfSteps(keras.callbacks.Callback):
    """Waits at the end of a batch and times from there to the end of a later one.

    Args:
        turns: `Turns`.
        warm_up: int, steps before the first turn.
        steps: int, steps of each turn.
        tokens: float, real tokens of a step, or images.
        loss: str, what the model logs at the end of a step.
    """

    def __init__(self, turns, warm_up, steps, tokens, loss="loss"):
        super().__init__()
        self.loss = loss
        self.turns, self.warm_up, self.steps, self.tokens = turns, warm_up, steps, tokens
        self.num_steps = -warm_up

    def on_train_batch_end(self, batch, logs=None):
        self.num_steps += 1
        if self.num_steps < 0 or self.num_steps % self.steps:
            return
        float(logs[self.loss])  # the step is over once its loss is known
        if self.num_steps == 0:
            self.turns.ready()
        else:
            self.turns.end(self.steps * self.tokens)
