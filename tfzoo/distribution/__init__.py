"""Where a model runs: one line returns a `tf.distribute` strategy, and the model stays the same.

    with tfzoo.distribution.auto().scope():
        model = ...
        model.compile()
    model.fit(texts, batch_size=64)

`batch_size` is always that of the whole world: every replica of every host gets its share of the
rows, and the result is the one that a single device would have had.
"""

from tfzoo.distribution.hosts import Hosts, hosts_from
from tfzoo.distribution.many_hosts import ManyHosts, many_hosts
from tfzoo.distribution.placement import is_chief
from tfzoo.distribution.precision import fastest_dtype
from tfzoo.distribution.strategies import (
    auto,
    logical_cpus,
    mirrored,
    one_device,
    tpu,
)
from tfzoo.distribution.tensor_parallel import TensorParallel, tensor_parallel
from tfzoo.distribution.tpu_check import TPUProgram, compile_for_tpu, lower_to_hlo

__all__ = [
    "Hosts",
    "ManyHosts",
    "TPUProgram",
    "TensorParallel",
    "auto",
    "compile_for_tpu",
    "fastest_dtype",
    "hosts_from",
    "is_chief",
    "logical_cpus",
    "lower_to_hlo",
    "many_hosts",
    "mirrored",
    "one_device",
    "tensor_parallel",
    "tpu",
]
