"""Where a model runs: one line returns a `tf.distribute` strategy, and the model stays the same.

    with tfzoo.distribution.auto().scope():
        model = ...
        model.compile()
    model.fit(texts, batch_size=64)

`batch_size` is always that of the whole world: every replica of every host gets its share of the
rows, and the result is the one that a single device would have had.
"""

from tfzoo.distribution.hosts import Hosts, hosts_from
from tfzoo.distribution.placement import (
    every_host_reads_all,
    global_batches,
    has_many_hosts,
    named_losses,
    require_placement,
    require_supported,
)
from tfzoo.distribution.strategies import (
    auto,
    logical_cpus,
    many_hosts,
    mirrored,
    one_device,
    tpu,
)

__all__ = [
    "Hosts",
    "auto",
    "every_host_reads_all",
    "global_batches",
    "has_many_hosts",
    "hosts_from",
    "logical_cpus",
    "many_hosts",
    "mirrored",
    "named_losses",
    "one_device",
    "require_placement",
    "require_supported",
    "tpu",
]
