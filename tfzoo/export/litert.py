"""From a task to a `.tflite` file, which LiteRT runs on phones and small computers."""

import functools
import os
import pathlib
import tempfile

import keras
import tensorflow as tf

from tfzoo.export.network_file import Format, write_network
from tfzoo.export.small_weights import require_kind

FILE = "model.tflite"


def export_litert(
    task: keras.Model,
    folder: str | os.PathLike,
    *,
    weights: str | None = None,
    sequence_length: int | None = None,
) -> pathlib.Path:
    """Writes the network of a BERT, or the generator of a GAN, as a LiteRT file.

    Texts stay outside: beside `folder/model.tflite` stand the files of the tokenizer, as it saves
    itself, and `tfzoo.json`, which says what goes in and comes out. An encoder takes `token_ids`
    and `segment_ids` int32 and `padding_mask` bool, all (B, T), and gives `logits`, or `vector`
    where the task embeds; a generator takes `latents` float32 (B, Z) and, with classes, `labels`
    int32 (B,), and gives `samples`: those of the average generator, as `generate` does. It computes
    in float32, whatever the precision of the task. The file is run before it appears, on rows of
    several lengths or on several latents, and compared with the live model.

    B is free: a caller resizes the inputs, which the signature runner of Python does by itself.

    Args:
        task: a task of BERT or a `GAN`. LoRA is merged. With `long_documents` the file reads one
            window.
        folder: path that must not exist yet; it appears whole or not at all.
        weights: "float16" halves the file. "int8" makes large matrices a quarter, and LiteRT then
            also rounds what it multiplies them with.
        sequence_length: optional int, T of all rows, for accelerators that want fixed shapes; on a
            CPU it is not faster. None leaves it free, up to the network's longest row.

    Returns:
        The path of the file.

    Raises:
        FileExistsError: if `folder` exists.
        ValueError: `tfzoo[convert]` is not installed; the task is a GPT; LiteRT lacks an operation
            of the network; or an output is no number, or its error above 0.01 % of the largest
            number (with "float16" 1 %, with "int8" 10 %).

    Example:
        ```python
        import numpy as np
        from ai_edge_litert.interpreter import Interpreter

        import tfzoo

        generator = tfzoo.models.MLPGenerator((8, 8, 1), hidden_dims=(32,))
        model = tfzoo.models.GAN(generator, tfzoo.models.MLPDiscriminator((32,)), latent_dim=7)
        path = tfzoo.export_litert(model, "litert")
        draw = Interpreter(str(path)).get_signature_runner()
        latents = np.random.default_rng(0).normal(size=(3, 7)).astype("float32")
        print(draw(latents=latents)["samples"].shape)
        ```
    """
    require_kind(weights)
    modules = {"ai-edge-litert": "ai_edge_litert"}
    convert = functools.partial(_convert, weights=weights)
    form = Format("LiteRT", FILE, modules, convert, _load)
    return write_network(task, folder, form, sequence_length, weights)


def _convert(network, weights):
    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.track(network.model)
        archive.add_endpoint("serving_default", network.graph)
        archive.write_out(folder, None, False)
        # Not `from_concrete_functions`, which has made networks of NaN without a word.
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if weights:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def _load(path):
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(os.fspath(path)).get_signature_runner()
    return lambda inputs: runner(**inputs)
