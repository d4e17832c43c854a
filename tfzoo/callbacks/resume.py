"""A run that was killed goes on as if nothing had happened."""

import os

import keras

from tfzoo.callbacks.checkpoint_folder import CheckpointFolder

# What a process exits with that SIGTERM told to go and that saved itself: `EX_TEMPFAIL` of
# sysexits.h, "temporary failure, try again".
PREEMPTED_EXIT_CODE = 75


class Resume(keras.callbacks.Callback):
    """Saves the state of a run every so many steps, and goes on from there when it runs again.

    After a crash, a `kill -9` or a preemption the same script continues, also inside an epoch. In
    the end weights, all optimizers, random streams, metrics and the history are those of a run
    that was never interrupted, to the last bit; on a GPU as far as its operations are deterministic
    (`tf.config.experimental.enable_op_determinism`).

    The batches before the interruption are drawn again, without training on them, so that the data
    go on at the right place whatever they are; that takes as long as their pipeline does. They need
    an order of their own: raw data, whose order is the `seed` of `fit`, or a `tf.data.Dataset`,
    seeded where it is random.

    Each of several hosts keeps its own checkpoints, in `folder/host-0`, `folder/host-1` ..., on a
    common disk or its own. When one is lost, start all of them again: they go on from the newest
    checkpoint that every one of them has.

    Checkpoints are written beside the training, aside and then renamed. One that is truncated or
    damaged is skipped with a warning, and the one before it is used.

    SIGTERM, as machines get it before they are taken away, saves after the step that is under way
    and exits with `tfzoo.callbacks.PREEMPTED_EXIT_CODE`, 75. A finished run that is run again does
    nothing and returns its history; with more `epochs` it goes on.

    Other callbacks see the steps after the interruption only. What they count or remember, such as
    the patience of `EarlyStopping`, begins anew there; `MetricsLog` and `LossCurve` read what was
    before from the history.

    Args:
        folder: path of the checkpoints of one `fit`; it is made if needed.
        every_n_steps: int >= 1, training steps between two checkpoints, counted over all epochs.
        keep: int >= 1, how many of the last checkpoints stay.

    Raises:
        ValueError: in `fit`, if the checkpoints are those of a run with another model, other
            settings, data or batches, if the data have no order of their own, or if the model is
            no task of tfzoo. Nothing is overwritten.
        OSError: in `fit`, if a checkpoint cannot be written, as on a full disk. Those before stay.

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
        resume = tfzoo.callbacks.Resume("runs/letters", every_n_steps=100)
        model.fit(["a short text", "and another one"], verbose=0, callbacks=[resume])
        ```
    """

    def __init__(self, folder: str | os.PathLike, every_n_steps: int = 100, keep: int = 3):
        super().__init__()
        for name, value in {"every_n_steps": every_n_steps, "keep": keep}.items():
            if value < 1:
                raise ValueError(f"`{name}` must be 1 or more; received {value}.")
        self.every_n_steps = every_n_steps
        self.checkpoints = CheckpointFolder(folder, keep)
        self.is_attached = False

    def on_train_begin(self, logs=None):
        """Refuses a `fit` that does not know how to go on."""
        if not self.is_attached:
            raise ValueError(
                "`Resume` must be in the list of `callbacks` of a `fit` of tfzoo: that of Keras "
                f"cannot go on inside an epoch. Received a {type(self.model).__name__}."
            )
