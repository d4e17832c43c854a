"""From a task to a SavedModel that needs neither tfzoo nor Keras."""

import os
import pathlib
import shutil
import tempfile

import keras
import tensorflow as tf

from tfzoo.models import merge_lora


def export(task: keras.Model, folder: str | os.PathLike) -> None:
    """Writes a task as a SavedModel: raw data in, answers out, preprocessing and loops inside.

    Each signature is one of `task.serving_functions()`; the first is also `serving_default`. LoRA
    is merged into the weights. The result loads with TensorFlow alone, plus `import
    tensorflow_text` for texts.

    Args:
        task: a `Task`; one that reads texts needs a preprocessor.
        folder: path that must not exist yet; it appears whole or not at all.

    Raises:
        FileExistsError: if `folder` exists.
        ValueError: if the task reads texts and has no preprocessor.

    Example:
        ```python
        import tensorflow as tf
        import tfzoo

        preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(
            tfzoo.preprocessing.ByteTokenizer(), sequence_length=32
        )
        backbone = tfzoo.models.GPTBackbone(257, num_layers=1, num_heads=2, hidden_dim=16)
        model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
        tfzoo.export(model, "savedmodel")
        score = tf.saved_model.load("savedmodel").signatures["score"]
        print(score(text=tf.constant(["abc"]))["log_likelihood"])
        ```
    """
    folder = pathlib.Path(folder)
    if folder.exists():
        raise FileExistsError(f"`folder` must not exist yet; {folder} does. Choose another name.")
    task = merge_lora(task)
    functions = task.serving_functions()
    archive = keras.export.ExportArchive()
    archive.track(task)
    # Keras tracks layers; the tokenizer's tables are resources of its own.
    tokenizer = getattr(task.preprocessor, "tokenizer", None)
    if tokenizer is not None:
        archive.track(tokenizer)
    for name, (function, signature) in functions.items():
        graph = tf.function(function, input_signature=signature, autograph=False)
        archive.add_endpoint(name, graph)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent)
    try:
        archive.write_out(aside, verbose=False)
        os.chmod(aside, 0o755)
        os.replace(aside, folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
