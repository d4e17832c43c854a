"""What `fit` does for a `Resume` among its callbacks."""

import contextlib

import keras
import tensorflow as tf

from tfzoo.callbacks.first_batch import FirstBatch
from tfzoo.callbacks.resumable_run import ResumableRun
from tfzoo.callbacks.resume import Resume


@contextlib.contextmanager
def resumable(model, x, epochs, num_steps, **options):
    """Prepares `fit` for a `Resume` among its callbacks; without one it changes nothing.

    Args:
        model: a task, compiled.
        x: what `keras.Model.fit` will get; with `Resume` a `tf.data.Dataset`.
        epochs: int.
        num_steps: int, steps of an epoch, or None where they are not known.
        **options: of `keras.Model.fit`.

    Yields:
        `(x, options)` for `keras.Model.fit`.
    """
    callbacks = keras.tree.flatten(options.get("callbacks") or [])
    found = [callback for callback in callbacks if isinstance(callback, Resume)]
    if not found:
        yield x, options
        return
    _require_what_can_go_on(model, x)
    first_batch = FirstBatch(x)
    params = {"verbose": options.get("verbose", "auto"), "epochs": epochs, "steps": num_steps}
    run = ResumableRun(found[0], callbacks, model, first_batch, **params)
    found[0].is_attached = True
    try:
        with run.sigterm, run.writing:
            yield first_batch.dataset, {**options, "callbacks": run}
    finally:
        found[0].is_attached = False
        run.give_back_train_function()


def _require_what_can_go_on(model, x):
    if not isinstance(x, tf.data.Dataset):
        raise ValueError(
            "`Resume` needs data in an order that comes again: raw data, or a `tf.data.Dataset` "
            "such as `tfzoo.data.shuffled_batches(arrays, batch_size, seed=0)`; received a "
            f"{type(x).__name__}."
        )
