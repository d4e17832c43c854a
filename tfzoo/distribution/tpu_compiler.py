"""A process of its own: HLO on its input, the TPU compiler's verdict as JSON on its output.

    python tpu_compiler.py v5e:2x2 < step.hlo

It imports nothing of tfzoo and no TensorFlow: the compiler, libtpu, is reached through jax, which
needs no TPU for that. What it raises goes to the error output, the sentence in the last line.
"""

import json
import os
import re
import sys

# The compiler looks for a machine with TPUs unless it is told what to expect.
SETTINGS = {
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # nobody else needs a chip that is not there
    "JAX_PLATFORMS": "cpu",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
}
# An operation of whose tensors one has a size that is not known.
DYNAMIC = r"= \"?(stablehlo\.\w+)(?=.*tensor<[^>]*\?)"


def compile_hlo(hlo, topology):
    """Compiles a serialized HloModuleProto for one chip; returns what is known of the result."""
    from jax._src.interpreters import mlir
    from jax._src.lib import xla_client
    from jax.experimental import topologies
    from jaxlib.mlir import ir

    device = topologies.get_topology_desc(platform="tpu", topology_name=topology).devices[0]
    with mlir.make_ir_context() as context:
        context.allow_unregistered_dialects = True
        text = str(ir.Module.parse(xla_client._xla.mlir.hlo_to_stablehlo(hlo)))
        # TensorFlow's copies are of a dialect that the compiler does not take.
        text = re.sub(r"mhlo\.copy (%\w+) : ", r"stablehlo.optimization_barrier \1 : ", text)
        module = ir.Module.parse(text)
        devices = xla_client.DeviceList((device,))
        program = device.client.compile(module, devices, xla_client.CompileOptions())
    memory, costs = program.get_compiled_memory_stats(), program.cost_analysis()
    return {
        "chip": device.device_kind,
        "dynamic_shapes": sorted(set(re.findall(DYNAMIC, text))),
        "operations": costs.get("flops", 0.0),
        "bytes_moved": costs.get("bytes accessed", 0.0),
        "argument_bytes": memory.argument_size_in_bytes,
        # What is written in the place of an argument needs no room of its own.
        "output_bytes": memory.output_size_in_bytes - memory.alias_size_in_bytes,
        "temporary_bytes": memory.temp_size_in_bytes,
        "code_bytes": memory.generated_code_size_in_bytes,
    }


if __name__ == "__main__":
    os.environ |= SETTINGS
    print(json.dumps(compile_hlo(sys.stdin.buffer.read(), sys.argv[1])))
