"""The machine: what it is called, and what it can do at most."""

import importlib.metadata
import os
import platform
import time

PACKAGES = ("tensorflow", "keras", "keras-hub", "torch", "transformers")


def describe():
    """One line: processor, cores, memory, versions."""
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores, {memory:.0f} GiB; {', '.join(versions)}"


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        return " ".join(value.strip() for key, value in fields.items() if "model name" in key)
    except OSError:
        return platform.processor() or platform.machine()


def limits(turns, size=2048, megabytes=512):
    """A contestant that only measures: matrix products, and reading memory, the best of a few."""
    import tensorflow as tf

    def best(function, repeats=4):
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            function().numpy()
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    def product(dtype):
        matrix = tf.cast(tf.random.normal([size, size]), dtype)

        def multiply():
            x = matrix
            for _ in range(2):
                x = tf.matmul(x, matrix)
            return x[0, 0]

        graph = tf.function(multiply)
        return lambda: 2 * 2 * size**3 / best(graph)

    products = {dtype: product(dtype) for dtype in ("float32", "bfloat16")}
    block = tf.ones([megabytes * 2**18])
    read = tf.function(lambda: tf.reduce_sum(block))
    for measure in (*products.values(), read):
        measure()
    turns.ready()
    while True:
        numbers = {dtype: measure() for dtype, measure in products.items()}
        turns.end(tokens=0, bandwidth=megabytes * 2**20 / best(read), **numbers)
