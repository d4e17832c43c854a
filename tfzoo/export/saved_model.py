"""From a task to a SavedModel that needs neither tfzoo nor Keras."""

import inspect
import os
import pathlib

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.saved_model.experimental import TrackableResource

from tfzoo.checkpoints import new_folder
from tfzoo.distribution import placement
from tfzoo.export.small_weights import SmallWeights
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
    with new_folder(folder) as aside:
        write_saved_model(merge_lora(task), aside)


def write_saved_model(task: keras.Model, folder: pathlib.Path, weights: str | None = None) -> None:
    """Writes a task whose LoRA is merged into an empty folder; `weights` are as in `TOLERANCES`."""
    placement.require_one_piece(task.distribute_strategy)
    functions = task.serving_functions()
    weights = SmallWeights(task, weights) if weights else None
    archive, signatures = tf.Module(), {}
    for name, (function, inputs) in functions.items():
        function = weights.served(task, function) if weights else function
        graph = tf.function(function, input_signature=inputs, autograph=False)
        signatures[name] = graph.get_concrete_function()
        setattr(archive, name, graph)
    # What the graphs read, and nothing else, once. Keras's archive stores all weights, those that
    # are read a second time.
    read = [v for signature in signatures.values() for v in signature.graph.variables]
    archive.weights = [*{id(variable): variable for variable in read}.values()]
    archive.tables = _tables(task)
    tf.saved_model.save(
        archive,
        os.fspath(folder),
        {**signatures, "serving_default": next(iter(signatures.values()))},
        tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    _finish(folder, {name: defaults_of(*served) for name, served in functions.items()})


def _tables(task):
    """The tables of a tokenizer, which graphs name and do not hold."""
    tokenizer = getattr(task.preprocessor, "tokenizer", None)
    if tokenizer is None:
        return []
    parts = tf.train.TrackableView(tokenizer).descendants()
    return [part for part in parts if isinstance(part, TrackableResource)]


def defaults_of(function, inputs) -> dict:
    """The defaults of those inputs of a serving function that have one, by name."""
    parameters = inspect.signature(function).parameters
    named = [spec.name for spec in inputs if spec.name in parameters]  # others are `*arguments`
    missing = (None, inspect.Parameter.empty)
    defaults = {name: parameters[name].default for name in named}
    return {name: value for name, value in defaults.items() if value not in missing}


def _finish(folder, defaults):
    """Adds what signatures default to, and takes out the gradients that were made for training."""
    path = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    graph = model.meta_graphs[0].graph_def
    for node in [*graph.node, *(node for f in graph.library.function for node in f.node_def)]:
        # Of those that TensorFlow saves half and warns of at each load; without them it takes the
        # derivatives of the operations themselves, which are the same.
        node.attr.pop("_gradient_op_type", None)
    _write_defaults(model.meta_graphs[0].signature_def, defaults)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _write_defaults(signatures, defaults):
    """Adds to each signature what TensorFlow Serving takes for an input that is not sent.

    TensorFlow writes them for functions alone, and signatures are traces of these.
    """
    for name, values in {**defaults, "serving_default": next(iter(defaults.values()))}.items():
        for key, value in values.items():
            dtype = signatures[name].inputs[key].dtype
            signatures[name].defaults[key].CopyFrom(tf.make_tensor_proto(value, dtype))
