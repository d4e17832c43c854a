"""Would it compile for a TPU, and fit? The TPU's own compiler says so, on a machine without one."""

import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import tensorflow as tf

COMPILER = Path(__file__).with_name("tpu_compiler.py")
GIB = 2**30
# A topology that has the chip, and the memory of one chip (cloud.google.com/tpu/docs, v5e and v6e).
CHIPS = {"v5e": ("v5e:2x2", 16 * GIB), "v6e": ("v6e:2x2", 32 * GIB)}


@dataclasses.dataclass(frozen=True)
class TPUProgram:
    """What the compiler says of a function on one chip.

    Attributes:
        chip: str, such as "v5e".
        operations: float, multiplications and additions of one call.
        bytes_moved: float, bytes that one call reads and writes.
        memory: int, bytes that it needs: weights, inputs, results, what is in between, and code.
        limit: int, bytes that the chip has.
    """

    chip: str
    operations: float
    bytes_moved: float
    memory: int
    limit: int

    @property
    def fits(self):
        """Whether one chip has the memory."""
        return self.memory <= self.limit


def lower_to_hlo(function, *inputs):
    """Lowers a function of TensorFlow, with the variables that it uses, to what XLA compiles.

    Args:
        function: callable on `inputs`, such as a `train_step`.
        *inputs: nested structures of tensors; their shapes are those of the program.

    Returns:
        bytes, a serialized HloModuleProto.

    Raises:
        ValueError: names the operation that has no XLA form.

    Example:
        >>> len(lower_to_hlo(tf.tanh, tf.ones([2, 3]))) > 0
        True
    """
    leaves = tf.nest.flatten(inputs)

    def call(*leaves):
        return function(*tf.nest.pack_sequence_as(inputs, leaves))

    compiled = tf.function(call, jit_compile=True, autograph=False)
    try:
        return compiled.experimental_get_compiler_ir(*leaves)(stage="hlo_serialized")
    except ValueError as error:
        found = re.findall(r"(\w+) \(No registered '(?:\w+)' OpKernel", str(error))
        if not found:
            raise
        raise ValueError(
            f"A TPU has no {' and no '.join(dict.fromkeys(found))}, which is an operation of the "
            "program: move it to the input pipeline."
        ) from error


def compile_for_tpu(hlo, chip):
    """Compiles what `lower_to_hlo` returned with the TPU compiler, which needs no TPU.

    Args:
        hlo: bytes, a serialized HloModuleProto.
        chip: "v5e" or "v6e".

    Returns:
        `TPUProgram`. It compiles for the chip; whether it runs there, only a TPU can tell.

    Raises:
        ValueError: `chip` is another one, the compiler is not installed, it refuses the program,
            there is far too little memory, or shapes depend on values.
    """
    if chip not in CHIPS:
        raise ValueError(f"`chip` must be one of {', '.join(CHIPS)}; received {chip!r}.")
    missing = [name for name in ("jax", "libtpu") if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"The TPU compiler must be installed, and {' and '.join(missing)} is not: "
            "`pip install tfzoo[tpu-check]`."
        )
    topology, limit = CHIPS[chip]
    process = subprocess.run(
        [sys.executable, COMPILER, topology], input=hlo, capture_output=True, check=False
    )
    if process.returncode:
        sentence = _sentence(process)
        if "RESOURCE_EXHAUSTED" in sentence:
            raise ValueError(
                f"The program must fit into the {limit // GIB} GiB of a {chip}: compute in "
                "bfloat16, recompute activations, or take a smaller batch. The compiler says: "
                f"{sentence}"
            )
        raise ValueError(f"The compiler for {chip} refuses the program: {sentence}")
    found = json.loads(process.stdout.splitlines()[-1])
    if found["dynamic_shapes"]:
        raise ValueError(
            "All shapes of a program for a TPU must be known before it runs; received "
            f"{', '.join(found['dynamic_shapes'])} whose shapes depend on values."
        )
    memory = sum(found[f"{part}_bytes"] for part in ("argument", "output", "temporary", "code"))
    return TPUProgram(chip, found["operations"], found["bytes_moved"], memory, limit)


def _sentence(process):
    lines = process.stderr.decode(errors="replace").strip().splitlines()
    errors = [line for line in lines if re.match(r"[\w.]*Error: ", line)]
    return (errors or lines or [f"it ended with {process.returncode}."])[-1]
