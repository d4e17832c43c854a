"""`tfzoo check-tpu`: whether a family compiles for TPUs and fits, on a machine without one."""

import enum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tfzoo.cli import programs
from tfzoo.cli.train_options import Dtype

STATEMENT = "Compiled by the TPU's own compiler; it was not run on a TPU."


class Chip(enum.StrEnum):
    """One TPU core of a generation."""

    V5E = "v5e"
    V6E = "v6e"


def check_tpu(
    context: typer.Context,
    family: programs.Chosen,
    size: programs.Size = "mini",
    batch_size: programs.Rows = 16,
    length: programs.Length = 128,
    vocabulary_size: programs.VocabularySize = 8192,
    base_dim: programs.BaseDim = 64,
    dtype: Dtype = "mixed_bfloat16",
    recompute: programs.Recompute = False,
    chip: Annotated[list[Chip] | None, typer.Option(help="By default, both.")] = None,
) -> None:
    """Compile training steps, and GPT's loop that writes, with the TPU's compiler: no TPU needed.

    Needs `pip install tfzoo[tpu-check]`. A few minutes for a large model.
    """
    # TensorFlow takes seconds to import: only who checks waits for it.
    from tfzoo.distribution import compile_for_tpu, lower_to_hlo

    programs.require_meant(context, family)
    table = Table("program", "chip", "GFLOP", "GB moved", "GiB of memory", "fits", title=STATEMENT)
    for program in programs.programs_of(
        family, size, batch_size, length, vocabulary_size, base_dim, dtype, recompute
    ):
        hlo = lower_to_hlo(program.function, *program.inputs)
        for name in chip or list(Chip):
            compiled = compile_for_tpu(hlo, name)
            table.add_row(
                program.title,
                name,
                f"{compiled.operations / 1e9:,.1f}",
                f"{compiled.bytes_moved / 1e9:,.1f}",
                f"{compiled.memory / 2**30:.2f} of {compiled.limit // 2**30}",
                "yes" if compiled.fits else "NO",
            )
    Console().print(table)
