"""One line for each place where a model can run; that for many hosts has its own file."""

import functools
import os

import tensorflow as tf

from tfzoo.distribution.placement import refuse_scope, remember

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
    refuse_scope()
    if device is None:
        device = "GPU:0" if tf.config.get_visible_devices("GPU") else "CPU:0"
    return remember(tf.distribute.OneDeviceStrategy(existing([device])[0]))


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
    refuse_scope()
    if devices is None:
        kind = "GPU" if tf.config.get_visible_devices("GPU") else "CPU"
        devices = [device.name for device in tf.config.list_logical_devices(kind)]
    devices = existing(devices)
    if any("GPU" in device for device in devices):
        return remember(_mirrored_on_gpus(tuple(sorted(devices))))
    # No collectives, so nothing of one strategy can meet those of another.
    return remember(tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice()))


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
    refuse_scope()
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
def _mirrored_on_gpus(devices):
    if _mirrored_on_gpus.cache_info().currsize:
        raise ValueError(
            "`devices` must be those of the first GPU strategy of this process, because messages "
            f"between GPUs would meet; received {', '.join(devices)}. Start another process."
        )
    return tf.distribute.MirroredStrategy(devices)


def existing(devices):
    """The full names of devices, each of which must be there once."""
    there = [device.name for device in tf.config.list_logical_devices()]
    names = [f"/device:{str(device).removeprefix('/device:').lstrip('/')}" for device in devices]
    if not names or len(set(names)) < len(names) or not set(names) <= set(there):
        raise ValueError(
            f"`devices` must be different ones of {', '.join(there)}; received {devices!r}."
        )
    return names
