"""Whether a model can run where it is: what would else pass in silence is said in a sentence."""

import contextlib
import re

import keras
import tensorflow as tf

from tfzoo.distribution.rendezvous import listens

# What TensorFlow says on a worker when another one has gone.
LOST = "Collective ops is aborted|stopped sending heartbeats|GRPC error|failed to connect"
# The strategy that this process made last, to notice whoever forgets its scope.
_last_made = []


def remember(strategy):
    """Returns a strategy, the last one made from now on."""
    _last_made[:] = [strategy]
    return strategy


def refuse_scope():
    """Refuses to make a strategy inside of another's scope."""
    if tf.distribute.has_strategy():
        raise ValueError(
            "A strategy must be made outside of the scope of another; received a call inside of "
            f"that of a {type(tf.distribute.get_strategy()).__name__}. Leave one of them out."
        )


def is_chief():
    """Whether this process is the one that writes files: with many hosts the first, else always.

    Example:
        >>> from tfzoo.distribution import is_chief
        >>> is_chief()  # before `model.save_to_preset(folder)`
        True
    """
    [last] = _last_made or [None]
    return not has_many_hosts(last) or last.cluster_resolver.task_id == 0


def has_many_hosts(strategy):
    """Whether replicas of the strategy are on other hosts."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return False
    return strategy.num_replicas_in_sync > len(strategy.extended.worker_devices)


def is_tensor_parallel(strategy):
    """Whether the strategy cuts weights, as that of `tensor_parallel` does."""
    return hasattr(strategy, "num_model_shards")


def require_one_piece(strategy):
    """Refuses graphs that read and write token by token where weights are cut.

    Raises:
        ValueError: the strategy is that of `tensor_parallel`.
    """
    if is_tensor_parallel(strategy):
        raise ValueError(
            "A tensor-parallel model can `fit`, `evaluate` and `predict`; received a call that "
            "needs all of it on one device. Call `save_to_preset`, and `from_preset` outside of "
            "the scope."
        )


def require_supported(strategy, has_backbone=True):
    """Refuses what Keras 3 on TensorFlow cannot train with, or ignores.

    Args:
        strategy: that in whose scope a model is made.
        has_backbone: bool, whether the model is one of those that can be cut.

    Raises:
        ValueError: the strategy is that of parameter servers, or TensorFlow's own for many hosts,
            or `keras.distribution` is in use; or weights would be cut that nobody knows how to cut.
    """
    if is_tensor_parallel(strategy) and not has_backbone:
        raise ValueError(
            "Models with a backbone can be tensor-parallel, GPT and BERT; received another one. "
            "Build it in the scope of `tfzoo.distribution.mirrored()`."
        )
    if type(strategy) is tf.distribute.MultiWorkerMirroredStrategy and has_many_hosts(strategy):
        raise ValueError(
            "`fit` of Keras 3 fails in a MultiWorkerMirroredStrategy of several hosts; received "
            "one. Use that of `tfzoo.distribution.many_hosts()`, which reads the same TF_CONFIG."
        )
    if isinstance(strategy, tf.distribute.ParameterServerStrategy):
        raise ValueError(
            "`fit` of Keras 3 has no parameter servers; received a ParameterServerStrategy. Use "
            "`tfzoo.distribution.many_hosts()`: all hosts train in step."
        )
    if keras.distribution.distribution() is not None:
        raise ValueError(
            "`keras.distribution` has no effect on TensorFlow; received "
            f"{type(keras.distribution.distribution()).__name__}. Call "
            "`keras.distribution.set_distribution(None)`, and use a strategy of "
            "`tfzoo.distribution`, such as `mirrored()`."
        )


def require_placement(model, optimizers=()):
    """Refuses a model that is not whole in the scope of the strategy that it will run in.

    Args:
        model: a Keras model.
        optimizers: those that train it.

    Raises:
        ValueError: as `require_supported`; a scope was forgotten, or another one is open; or XLA
            is asked for on several replicas.
    """
    strategy = model.distribute_strategy
    require_supported(strategy)
    name, now = (type(s).__name__ for s in (strategy, tf.distribute.get_strategy()))
    if tf.distribute.has_strategy() and tf.distribute.get_strategy() is not strategy:
        raise ValueError(
            f"A model runs in the scope in which it was built, that of a {name}; received a call "
            f"inside of that of another {now}. Leave that scope: `fit` needs none."
        )
    parts = [*model.variables, *(v for optimizer in optimizers for v in optimizer.variables)]
    for variable in parts:
        if not strategy.extended.variable_created_in_scope(variable.value):
            raise ValueError(
                f"All of a model must be built in one scope, here that of a {name}; received "
                f"{variable.path!r}, built outside of it. Make the networks, the task and the "
                "optimizers, and call `compile`, inside of one `with strategy.scope():`."
            )
    if is_tensor_parallel(strategy):
        strategy.require_supported(model, optimizers)
    if model.compiled and model.jit_compile and strategy.num_replicas_in_sync > 1:
        raise ValueError(
            "`jit_compile` must be False on several replicas, because Keras compiles them as one; "
            f"received True and {strategy.num_replicas_in_sync} replicas. Leave it out."
        )
    [last] = _last_made or [strategy]
    is_without_scope = not tf.distribute.has_strategy() and strategy is tf.distribute.get_strategy()
    num_devices = last.mesh.size if is_tensor_parallel(last) else last.num_replicas_in_sync
    if is_without_scope and num_devices > 1:
        raise ValueError(
            f"This process has made a {type(last).__name__} of {num_devices} devices; received a "
            "model built outside of its scope, which would run on one of them. Build it inside of "
            "`with strategy.scope():`, or in that of `one_device()`."
        )


def global_batches(data, batch_size, strategy):
    """Batches of all replicas, each host of which will take its own share of.

    Args:
        data: a `tf.data.Dataset` of batches, or what else Keras takes.
        batch_size: int, rows of a batch over all replicas where `data` is no dataset.
        strategy: that of the model.

    Returns:
        `data`, as a dataset that all hosts read alike.

    Raises:
        ValueError: the replicas cannot have equal shares, or hosts would read in other orders.
    """
    if isinstance(data, tf.data.Dataset):
        data = every_host_reads_all(data)
        batch_size = tf.nest.flatten(data.element_spec)[0].shape[0]
    elif has_many_hosts(strategy):
        raise ValueError(
            "With many hosts `x` must be raw data or a `tf.data.Dataset` in the same order on all "
            f"of them; received a {type(data).__name__}, which Keras would shuffle on each in an "
            "order of its own. Pass `tfzoo.data.shuffled_batches((x, y), batch_size, seed=0)`."
        )
    num_replicas = getattr(strategy, "num_data_shards", strategy.num_replicas_in_sync)
    if batch_size is not None and batch_size % num_replicas:
        raise ValueError(
            f"A batch must be a multiple of the {num_replicas} replicas that share it; received "
            f"{batch_size} rows. Let `batch_size`, the rows of all replicas together, be "
            f"{-(-batch_size // num_replicas) * num_replicas}."
        )
    return data


def every_host_reads_all(data):
    """A dataset of which every host reads each batch, to take its rows; else each reads files."""
    if not isinstance(data, tf.data.Dataset):
        return data
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return data.with_options(options)


@contextlib.contextmanager
def named_losses(strategy):
    """Raises what a lost worker does to the others as a sentence that names it.

    Raises:
        ConnectionError: a worker was lost; any other error passes as it is.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if not has_many_hosts(strategy) or not re.search(LOST, str(error)):
            raise
        # Not whom the error names: that may be one who has learned of the loss, and ended before.
        workers = strategy.cluster_resolver.cluster_spec().job_tasks("worker")
        lost = [f"worker {i} at {w}" for i, w in enumerate(workers) if not listens(w)]
        raise ConnectionError(
            f"All workers must stay until the end; lost: {', '.join(lost) or 'one of them'}. "
            "Its log says why. Start all workers again, from the last checkpoint."
        ) from None
