"""Several hosts that train one model in step."""

import functools
import os

import tensorflow as tf

from tfzoo.distribution.hosts import hosts_from
from tfzoo.distribution.placement import refuse_scope, remember
from tfzoo.distribution.rendezvous import wait_for_all


class ManyHosts(tf.distribute.MultiWorkerMirroredStrategy):
    """TensorFlow's strategy, in which `fit` of Keras 3 works."""

    def reduce(self, reduce_op, value, axis):
        """As TensorFlow's; a scalar has no axis, and is equal on all replicas if Keras asks so.

        Keras takes the mean of what a step logs along the first axis, one after another: logs that
        are scalars fail, and others cost more messages than the gradients.
        """
        local = self.experimental_local_results(value)[0]
        if axis == 0 and local.shape.rank == 0:
            return local
        return super().reduce(reduce_op, value, axis)


def many_hosts(timeout=300):
    """A strategy for several hosts, each of which runs the same program and calls this first.

    Every host has all weights, and its share of each batch: `fit` cuts its batches itself, so all
    hosts read the same data in the same order. What the program draws by itself needs a seed
    (`keras.utils.set_random_seed`). The environment says who takes part; see `hosts_from`. A worker
    that is lost ends the others with an error: start all of them again.

    Args:
        timeout: float, seconds to wait for all workers.

    Returns:
        A `ManyHosts`, which is a `tf.distribute.MultiWorkerMirroredStrategy`; the same one if it is
        asked again.

    Raises:
        ValueError: the environment makes no sense.
        TimeoutError: a worker did not come; the sentence names it.
        RuntimeError: TensorFlow has computed something already.
    """
    refuse_scope()
    hosts = hosts_from(os.environ)
    if not _many_hosts.cache_info().currsize:
        wait_for_all(hosts, timeout)
    return remember(_many_hosts(hosts))


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
        return ManyHosts(resolver)
    except RuntimeError as error:
        if "program startup" not in str(error):
            raise
        raise RuntimeError(
            "`many_hosts()` must come before anything that TensorFlow computes; received a process "
            "that has begun. Call it right behind the imports."
        ) from None
