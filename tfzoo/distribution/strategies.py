"""One line for each place where a model can run."""

import functools
import os

import tensorflow as tf

from tfzoo.distribution.hosts import hosts_from
from tfzoo.distribution.placement import remember
from tfzoo.distribution.rendezvous import wait_for_all

# What says, besides the device itself, that a TPU is there.
TPU_VARIABLES = ("TPU_NAME", "COLAB_TPU_ADDR")


def auto():
    """A strategy for the best there is: a TPU, else all GPUs, else the CPU. Prints its choice.

    Returns:
        A `tf.distribute.Strategy`.

    Example:
        ```python
        import tfzoo

        with tfzoo.distribution.auto().scope():
            model = tfzoo.models.GAN(
                tfzoo.models.MLPGenerator((2,), hidden_dims=(8,), output_activation=None),
                tfzoo.models.MLPDiscriminator(hidden_dims=(8,)),
                latent_dim=3,
            )
            model.compile()
        ```
    """
    num_gpus = len(tf.config.get_visible_devices("GPU"))
    if tf.config.list_physical_devices("TPU") or any(map(os.environ.get, TPU_VARIABLES)):
        strategy, found = tpu(), "a TPU"
    elif num_gpus > 1:
        strategy, found = mirrored(), f"{num_gpus} GPUs"
    else:
        strategy, found = one_device(), "one GPU" if num_gpus else "the CPU"
    replicas = strategy.num_replicas_in_sync
    print(f"Running on {found}: {replicas} replica{'s' * (replicas > 1)}.")
    return strategy


def one_device(device=None):
    """A strategy for one device.

    Args:
        device: optional str, such as "GPU:1" or "CPU:0"; by default the first GPU, else the CPU.

    Returns:
        A `tf.distribute.OneDeviceStrategy`.

    Raises:
        ValueError: there is no such device.
    """
    _refuse_scope()
    if device is None:
        device = "GPU:0" if tf.config.get_visible_devices("GPU") else "CPU:0"
    return remember(tf.distribute.OneDeviceStrategy(_existing([device])[0]))


def mirrored(devices=None):
    """A strategy for several devices of this host: each has all weights, and its share of a batch.

    Asked again for the same devices, it returns the same strategy: two strategies on the same GPUs
    would take each other's messages for their own.

    Args:
        devices: optional list of str, such as `["GPU:0", "GPU:1"]`; by default all GPUs, and
            without any all logical CPUs, see `logical_cpus`.

    Returns:
        A `tf.distribute.MirroredStrategy`.

    Raises:
        ValueError: a device does not exist, or GPUs belong to another strategy of this process.
    """
    _refuse_scope()
    if devices is None:
        kind = "GPU" if tf.config.get_visible_devices("GPU") else "CPU"
        devices = [device.name for device in tf.config.list_logical_devices(kind)]
    devices = _existing(devices)
    if any("GPU" in device for device in devices):
        return remember(_mirrored_on_gpus(tuple(sorted(devices))))
    # No collectives, so nothing of one strategy can meet those of another.
    return remember(tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice()))


def many_hosts(timeout=300):
    """A strategy for several hosts, each of which runs the same program and calls this first.

    Every host has all weights, and its share of each batch: `fit` cuts its batches itself, so all
    hosts read the same data in the same order. What the program draws by itself needs a seed
    (`keras.utils.set_random_seed`). The environment says who takes part; see `hosts_from`. A worker
    that is lost ends the others with an error: start all of them again.

    Args:
        timeout: float, seconds to wait for all workers.

    Returns:
        A `tf.distribute.MultiWorkerMirroredStrategy`; the same one if it is asked again.

    Raises:
        ValueError: the environment makes no sense.
        TimeoutError: a worker did not come; the sentence names it.
        RuntimeError: TensorFlow has computed something already.
    """
    _refuse_scope()
    hosts = hosts_from(os.environ)
    if not _many_hosts.cache_info().currsize:
        wait_for_all(hosts, timeout)
    return remember(_many_hosts(hosts))


def tpu(address=None):
    """A strategy for all cores of a TPU, which is initialised.

    Args:
        address: optional str: the name of a TPU in Google Cloud, or its "grpc://host:port"; by
            default what the environment names, and else the TPU of this host (a TPU VM, Colab).

    Returns:
        A `tf.distribute.TPUStrategy`.

    Raises:
        ValueError: no TPU answers.
    """
    _refuse_scope()
    address = address or next(filter(None, map(os.environ.get, TPU_VARIABLES)), "local")
    try:
        if address == "local" and not tf.config.list_physical_devices("TPU"):
            raise ValueError("TensorFlow lists no TPU; `pip install tensorflow-tpu` is for TPUs")
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(address)
        if address != "local":
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"`address` must be that of a TPU; received {address!r}, and {reason}. Use "
            "`tfzoo.distribution.auto()` to run on what is there."
        ) from error
    return remember(tf.distribute.TPUStrategy(resolver))


def logical_cpus(count):
    """Cuts the CPU into logical devices, to try on a laptop what needs several devices.

    Args:
        count: int >= 1, how many `mirrored()` will find.

    Raises:
        ValueError: `count` is no such int.
        RuntimeError: TensorFlow has computed something already.
    """
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"`count` must be an int, 1 or more; received {count!r}.")
    [cpu] = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    if parts == tf.config.get_logical_device_configuration(cpu):
        return
    try:
        tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError:
        raise RuntimeError(
            f"`logical_cpus({count})` must come before anything that TensorFlow computes; "
            "received a process that has begun. Call it right behind the imports."
        ) from None


@functools.cache
def _many_hosts(hosts):
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(hosts.addresses)}),
        task_type="worker",
        task_id=hosts.index,
        num_accelerators={"GPU": len(tf.config.get_visible_devices("GPU"))},
        rpc_layer="grpc",
    )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except RuntimeError as error:
        if "program startup" not in str(error):
            raise
        raise RuntimeError(
            "`many_hosts()` must come before anything that TensorFlow computes; received a process "
            "that has begun. Call it right behind the imports."
        ) from None


@functools.cache
def _mirrored_on_gpus(devices):
    if _mirrored_on_gpus.cache_info().currsize:
        raise ValueError(
            "`devices` must be those of the first GPU strategy of this process, because messages "
            f"between GPUs would meet; received {', '.join(devices)}. Start another process."
        )
    return tf.distribute.MirroredStrategy(devices)


def _existing(devices):
    """The full names of devices, each of which must be there once."""
    there = [device.name for device in tf.config.list_logical_devices()]
    names = [f"/device:{str(device).removeprefix('/device:').lstrip('/')}" for device in devices]
    if not names or len(set(names)) < len(names) or not set(names) <= set(there):
        raise ValueError(
            f"`devices` must be different ones of {', '.join(there)}; received {devices!r}."
        )
    return names


def _refuse_scope():
    if tf.distribute.has_strategy():
        raise ValueError(
            "A strategy must be made outside of the scope of another; received a call inside of "
            f"that of a {type(tf.distribute.get_strategy()).__name__}. Leave one of them out."
        )
