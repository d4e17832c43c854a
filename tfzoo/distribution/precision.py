"""In which precision the devices of this process train fastest."""

import pathlib
import re

import tensorflow as tf

CPU_INFO = pathlib.Path("/proc/cpuinfo")
# Instructions that multiply bfloat16: of Intel and AMD, of Intel's newer servers, of ARM.
CPU_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
FIRST_GPU = (8, 0)  # Ampere: the first NVIDIA generation that multiplies bfloat16


def fastest_dtype() -> str:
    """The policy to train in, for the `dtype` of a backbone: half precision where it saves time.

    Weights are float32 in both, so that a model continues in the other one.

    Returns:
        "mixed_bfloat16" on TPUs, on NVIDIA GPUs of compute capability 8.0 or more, and on CPUs
        with AVX512-BF16, AMX or ARM's BF16 (read from Linux's list of flags). "float32" else,
        because each product would turn its numbers into float32 first.

    Example:
        >>> from tfzoo.distribution import fastest_dtype
        >>> fastest_dtype() in ("float32", "mixed_bfloat16")
        True
    """
    gpus = tf.config.list_physical_devices("GPU")
    if tf.config.list_physical_devices("TPU"):
        is_fast = True
    elif gpus:
        is_fast = all(map(_gpu_multiplies_bfloat16, gpus))
    else:
        is_fast = CPU_INFO.exists() and _cpu_multiplies_bfloat16(CPU_INFO.read_text())
    return "mixed_bfloat16" if is_fast else "float32"


def _gpu_multiplies_bfloat16(gpu):
    capability = tf.config.experimental.get_device_details(gpu).get("compute_capability")
    return capability is not None and capability >= FIRST_GPU


def _cpu_multiplies_bfloat16(cpu_info):
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", cpu_info, re.MULTILINE)
    return bool(lines) and all(CPU_FLAGS & set(line.split()) for line in lines)
