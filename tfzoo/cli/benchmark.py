"""`tfzoo benchmark`: how fast a family is on this machine."""

import os
import platform
import statistics
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tfzoo.cli import programs
from tfzoo.cli.train_options import Dtype


def benchmark(
    context: typer.Context,
    family: programs.Chosen,
    size: programs.Size = "mini",
    batch_size: programs.Rows = 16,
    length: programs.Length = 128,
    vocabulary_size: programs.VocabularySize = 8192,
    base_dim: programs.BaseDim = 64,
    dtype: Dtype = "float32",
    recompute: programs.Recompute = False,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each program, at least.")] = 10.0,
) -> None:
    """Time training steps, GPT's loop that writes and a GAN's drawing on this machine.

    Weights are random and tokens alike, which changes no time. "of peak" is the share of the
    operations per second that products of matrices in this precision reach here.
    """
    from tfzoo.callbacks.peak import measure_peak

    programs.require_meant(context, family)
    unit = "images" if family is programs.Family.GAN else "tokens"
    head = "program", "first call s", "calls", "median ms", f"{unit}/s", "of peak"
    table = Table(*head, title=f"{describe_device()}, {dtype}")
    for program in programs.programs_of(
        family, size, batch_size, length, vocabulary_size, base_dim, dtype, recompute
    ):
        first, times = program.time(seconds)
        median = statistics.median(times)
        share = "-"
        if program.learner is not None:
            operations = float(program.learner.work_of(program.inputs[0])[1])
            peak = measure_peak(program.learner.compute_dtype)
            share = f"{operations / median / peak:.0%}"
        table.add_row(
            program.title,
            f"{first:.1f}",
            str(len(times)),
            f"{1000 * median:,.1f}",
            f"{program.units / median:,.0f}",
            share,
        )
    Console().print(table)


def describe_device() -> str:
    """What the programs run on."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return f"{os.cpu_count()} cores, {platform.machine()}, TensorFlow {tf.__version__}"
