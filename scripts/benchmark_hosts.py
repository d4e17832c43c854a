"""Times one process against two that share its cores and its global batch.

    python scripts/benchmark_hosts.py              # about six minutes on two cores
    python scripts/benchmark_hosts.py --quick      # tiny network: does it run?

The workers find each other as hosts do, by TF_CONFIG, and reduce gradients over loopback. The cores
are shared, so that the ratio bounds what `tf.distribute` costs; it shows no speed-up. Worlds take
turns, and the ratio of the same round counts.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

SMALL = dict(vocabulary_size=4096, num_layers=6, num_heads=6, hidden_dim=384)
TINY = dict(vocabulary_size=257, num_layers=1, num_heads=2, hidden_dim=16)
WARM_UP = 3


def main():
    arguments = parse()
    if arguments.worker:
        work(arguments)
        return
    cores = os.cpu_count() or 2
    ratios = []
    print(
        "| round | one process, ms a step | two processes | throughput of two |\n|---|---|---|---|"
    )
    for number in range(arguments.rounds):
        one, two = (run_world(size, max(1, cores // size)) for size in (1, 2))
        ratios.append(one / two)
        print(f"| {number + 1} | {one:.0f} | {two:.0f} | {one / two:.2f} |", flush=True)
    print(f"\nMedian: {statistics.median(ratios):.2f} of the throughput of one process.")


def run_world(size, num_threads):
    """Milliseconds of a step in the median, of a world of `size` processes."""
    servers = [socket.create_server(("localhost", 0)) for _ in range(size)]
    workers = [f"localhost:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    environ = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_NUM_INTRAOP_THREADS": str(num_threads),
        "TF_NUM_INTEROP_THREADS": "2",  # one computes while the other waits for the network
    }
    processes = []
    for index in range(size):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        config = {"TF_CONFIG": json.dumps(task)} if size > 1 else {}
        processes.append(
            subprocess.Popen(
                [sys.executable, __file__, *sys.argv[1:], "--worker"],
                env={**environ, **config},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    said = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(f"A worker of {size} failed; it said:\n" + "\n".join(said))
    return float(said[0].split()[-1])


def work(arguments):
    """Trains on full rows, and prints the median time of a step."""
    import keras
    import numpy as np
    import tensorflow as tf

    import tfzoo

    many = "TF_CONFIG" in os.environ
    strategy = tfzoo.distribution.many_hosts() if many else tfzoo.distribution.one_device()
    size, length, batch_size = (TINY, 16, 4) if arguments.quick else (SMALL, 256, 16)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        backbone = tfzoo.models.GPTBackbone(**size, max_sequence_length=length)
        model = tfzoo.models.GPTCausalLM(backbone)
        model.compile()
    ids = np.random.default_rng(0).integers(256, size=(batch_size, length + 1), dtype=np.int32)
    rows = tf.data.Dataset.from_tensors(({"token_ids": ids[:, :-1]}, ids[:, 1:])).repeat()
    times = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: times.append(time.perf_counter())
    )
    steps = WARM_UP + arguments.steps
    model.fit(rows, steps_per_epoch=steps, batch_size=batch_size, verbose=0, callbacks=[watch])
    print(1000 * statistics.median(np.diff(times[WARM_UP:])))


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each world")
    parser.add_argument("--steps", type=int, default=15, help="that are timed, in each turn")
    parser.add_argument("--quick", action="store_true", help="a tiny network")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
