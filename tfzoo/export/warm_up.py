"""The requests that a server sends to itself, so that the first person need not wait.

TensorFlow Serving reads them from `assets.extra/tf_serving_warmup_requests` of a SavedModel: a file
of TFRecords, each a `PredictionLog`. Of these messages three fields are needed, whose numbers are
part of its interface (`tensorflow_serving/apis/prediction_log.proto`, `predict.proto`,
`model.proto`): they are written here, so that no package has to be there for it.
"""

import os

import tensorflow as tf

from tfzoo.export.saved_model import defaults_of
from tfzoo.export.small_weights import require_near

FILE = "assets.extra/tf_serving_warmup_requests"
# PredictionLog.predict_log, PredictLog.request; PredictRequest.model_spec and .inputs;
# ModelSpec.signature_name; key and value of an entry of a map.
PREDICT_LOG, REQUEST, MODEL_SPEC, INPUTS, SIGNATURE_NAME, KEY, VALUE = 6, 1, 1, 2, 3, 1, 2


def write_warm_up(task, signatures, folder, weights=None) -> None:
    """Calls each signature of a loaded SavedModel once, and writes these calls into its folder.

    A request that fails would keep the model from being served: it fails here instead. With small
    `weights` the live model is asked the same.
    """
    path = folder / FILE
    path.parent.mkdir()
    outputs = {}
    with tf.io.TFRecordWriter(os.fspath(path)) as file:
        for name, served in task.serving_functions().items():
            state = outputs.get(f"{name.removesuffix('_continue')}_start", {})
            inputs = _example(task, *served, state)
            outputs[name] = signatures[name](**inputs)
            if weights and not state:  # a state differs where one letter of a text does
                live = served[0](*inputs.values())
                require_near(outputs[name], live, name, weights)
            file.write(prediction_log(name, inputs))


def prediction_log(signature: str, inputs: dict) -> bytes:
    """A `PredictionLog` of a request to a signature, serialized."""
    model_spec = _field(SIGNATURE_NAME, signature.encode())
    entries = [
        _field(KEY, name.encode())
        + _field(VALUE, tf.make_tensor_proto(value.numpy(), value.dtype).SerializeToString())
        for name, value in inputs.items()
    ]
    request = _field(MODEL_SPEC, model_spec) + b"".join(_field(INPUTS, entry) for entry in entries)
    return _field(PREDICT_LOG, _field(REQUEST, request))


def _field(number, content):
    """One field of a protocol buffer: its number, type 2, how many bytes, and the bytes."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number):
    """Seven bits a byte, the lowest first; all but the last have the eighth bit."""
    head = b""
    while number > 127:
        head += bytes([number & 127 | 128])
        number >>= 7
    return head + bytes([number])


def _example(task, function, inputs, state):
    """Values for the inputs: the state that another signature left, defaults, some text, zeros."""
    rows = getattr(task, "packing", 1)  # a GAN may judge only so many samples together
    values = {name: tf.constant(x) for name, x in defaults_of(function, inputs).items()}
    for spec in inputs:
        if spec.name in values:
            values[spec.name] = tf.cast(values[spec.name], spec.dtype)
            continue
        shape = [size or rows for size in spec.shape]
        is_text = spec.dtype == tf.string
        values[spec.name] = (
            tf.fill(shape, _some_text(task)) if is_text else tf.zeros(shape, spec.dtype)
        )
    return {spec.name: state.get(spec.name, values[spec.name]) for spec in inputs}


def _some_text(task):
    """Text that the tokenizer knows, whatever its alphabet, and that leaves room for more."""
    room, text = getattr(task.backbone, "max_sequence_length", 64) // 4, ""
    for token in task.preprocessor.tokenizer.token_bytes:
        piece = token.decode(errors="ignore")
        if piece.strip().isalnum() and len((text + piece).encode()) <= min(room, 64):
            text += piece
    return text
