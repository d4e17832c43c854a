"""One numbered version of a bundle: a SavedModel in memory."""

import contextlib
import importlib.util
import logging
import pathlib

import numpy as np
import tensorflow as tf

from tfzoo.serving.signature import Description, Signature, describe


class Version:
    """A SavedModel, loaded and warmed up.

    It has a session of its own, as in TensorFlow Serving: what XLA compiled goes when the session
    goes. Of functions outside of a session it is kept as long as the process lives.

    Args:
        folder: of the SavedModel; its name is the number of the version, or else it is version 1.
        warm_up_rows: where XLA compiles for each size of a batch, up to so many rows beforehand.

    Raises:
        ValueError: if it cannot be loaded; the sentence says why.
    """

    def __init__(self, folder: pathlib.Path, warm_up_rows: int = 1):
        load_text_operations()
        self.number = int(folder.name) if folder.name.isdecimal() else 1
        self.description: Description = describe(folder)
        try:
            self._calls = load(folder, self.description.protos)
            path = folder / "assets.extra" / "tf_serving_warmup_requests"
            warm_up(self, path, warm_up_rows if self.description.compiled else 1)
        except Exception as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(f"{folder} cannot be loaded: {first}") from error

    @property
    def signatures(self) -> dict[str, Signature]:
        """By name."""
        return self.description.signatures

    def call(self, name: str, inputs: dict) -> dict[str, np.ndarray]:
        """Calls a signature by arrays of its dtypes and shapes."""
        specs = self.signatures[name].inputs
        arrays = [np.asarray(inputs[key], specs[key].dtype.as_numpy_dtype) for key in specs]
        return dict(zip(self.signatures[name].outputs, self._calls[name](*arrays), strict=True))


def load(folder, protos):
    """Functions of a SavedModel by name, arrays in, arrays out, both in the order of their names.

    Its session lives as long as they do.
    """
    with tf.Graph().as_default() as graph:
        session = tf.compat.v1.Session(graph=graph)
        with without_warnings():  # there is no other way to load into a session
            tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        return {
            name: session.make_callable(names_of(proto.outputs), names_of(proto.inputs))
            for name, proto in protos.items()
        }


def names_of(infos):
    """Of tensors in the graph."""
    return [infos[key].name for key in sorted(infos)]


@contextlib.contextmanager
def without_warnings():
    """TensorFlow calls what belongs to sessions deprecated."""
    logger = tf.get_logger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def warm_up(version, path, most_rows):
    """Calls the version by the requests that were exported with it, before any client does."""
    if not path.exists():
        return
    from tensorflow_serving.apis import prediction_log_pb2

    for record in tf.data.TFRecordDataset(str(path)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        name = request.model_spec.signature_name or version.description.default
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        signature = version.signatures[name]
        # The sizes that requests are computed in when they come together.
        largest = (most_rows - 1).bit_length() if signature.keeps_rows_apart else 0
        for power in range(largest + 1):
            rows = {key: np.repeat(inputs[key], 1 << power, axis=0) for key in signature.rows}
            version.call(name, inputs | rows)


def load_text_operations():
    """Adds tokenizers to TensorFlow, once; `import tensorflow_text` would import Keras itself."""
    package = importlib.util.find_spec("tensorflow_text")
    if package is None:
        return
    for library in sorted(pathlib.Path(package.origin).parent.glob("python/ops/*.so")):
        tf.load_op_library(str(library))
