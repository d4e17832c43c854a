"""What every family needs and `keras.Model` leaves out."""

import keras
import tensorflow as tf


class Task(keras.Model):
    """A backbone, a preprocessor, and an objective: the base of everything that `fit` trains.

    It adds to `keras.Model`, and to nothing else:

    - `fit`, `evaluate` and `predict` on raw texts, through the preprocessor;
    - weights and optimizer slots exist once `compile` returns, so that strategies, checkpoints and
      callbacks can rely on them;
    - a learning-rate schedule that wants the length of the run is told it by `fit`;
    - the precision of the backbone is that of the task, so that Keras scales the loss under float16.

    Args:
        backbone: the network.
        preprocessor: optional, turns raw data into the backbone's inputs.
        **kwargs: passed to `keras.Model`.
    """

    def __init__(self, backbone, preprocessor=None, **kwargs):
        kwargs.setdefault("dtype", backbone.dtype_policy)
        super().__init__(**kwargs)
        self.backbone = backbone
        self.preprocessor = preprocessor
