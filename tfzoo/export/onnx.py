"""From a task to an `.onnx` file, which many runtimes execute."""

import os
import pathlib

import keras

from tfzoo.export.network_file import Format, write_network

FILE = "model.onnx"
# The newest set of operations that `tf2onnx` writes, and that runtimes have had since 2023.
OPSET = 18


def export_onnx(
    task: keras.Model, folder: str | os.PathLike, *, sequence_length: int | None = None
) -> pathlib.Path:
    """Writes the network of a BERT, or the generator of a GAN, as an ONNX file.

    Files, inputs and outputs are those of `export_litert`, but for the name: `folder/model.onnx`.
    Both B and T are free. It computes in float32, whatever the precision of the task. The file is
    run by ONNX Runtime before it appears, and compared with the live model.

    Args:
        task: a task of BERT or a `GAN`. LoRA is merged. With `long_documents` the file reads one
            window.
        folder: path that must not exist yet; it appears whole or not at all.
        sequence_length: optional int, T of all rows, for compilers that want fixed shapes.

    Returns:
        The path of the file.

    Raises:
        FileExistsError: if `folder` exists.
        ValueError: `tfzoo[convert]` is not installed; the task is a GPT; ONNX lacks an operation of
            the network; or an output is no number, or its error above 0.01 % of the largest number.

    Example:
        ```python
        import numpy as np
        import onnxruntime

        import tfzoo

        generator = tfzoo.models.MLPGenerator((8, 8, 1), hidden_dims=(32,))
        model = tfzoo.models.GAN(generator, tfzoo.models.MLPDiscriminator((32,)), latent_dim=7)
        path = tfzoo.export_onnx(model, "onnx")
        latents = np.random.default_rng(0).normal(size=(3, 7)).astype("float32")
        (samples,) = onnxruntime.InferenceSession(path).run(["samples"], {"latents": latents})
        print(samples.shape)
        ```
    """
    modules = {name: name for name in ("tf2onnx", "onnx", "onnxruntime")}
    return write_network(
        task, folder, Format("ONNX", FILE, modules, _convert, _load), sequence_length
    )


def _convert(network):
    import tf2onnx

    model, _ = tf2onnx.convert.from_function(network.graph, network.inputs, opset=OPSET)
    return model.SerializeToString()


def _load(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))
