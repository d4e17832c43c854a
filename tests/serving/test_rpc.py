"""TensorFlow Serving's gRPC, by the official stubs."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.serving.bundles import CLASS_NAMES

X = np.array([[1, 2.5, 3], [4, 5, -6]], "float32")


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


@pytest.fixture
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict(name, signature="", version=None, **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    if version is not None:
        request.model_spec.version.value = version
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def refused(method, request):
    with pytest.raises(grpc.RpcError) as error:
        method(request, timeout=30)
    return error.value.code().name, error.value.details()


def test_predict(stub):
    response = stub.Predict(predict("sums", x=X, factor=np.float32(3)), timeout=30)
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["y"]), 3 * X)
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "scale"
    response = stub.Predict(predict("sums", "scale", 1, x=X), timeout=30)  # factor's default
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["y"]), 2 * X)


def test_predict_gives_the_outputs_that_are_asked_for(stub):
    request = predict("sums", "square", n=np.int32([3, -5]))
    request.output_filter.append("half")
    outputs = stub.Predict(request, timeout=30).outputs
    assert list(outputs) == ["half"]
    assert tf.make_ndarray(outputs["half"]).tolist() == [1.5, -2.5]
    request.output_filter.append("third")
    assert refused(stub.Predict, request) == (
        "INVALID_ARGUMENT",
        "There is no output 'third': half, square.",
    )


def test_bytes(stub):
    response = stub.Predict(predict("sums", "swap", data=[b"ab\xff"]), timeout=30)
    assert tf.make_ndarray(response.outputs["swapped"]).tolist() == [b"b\xffa"]


def test_classify(stub):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = "lengths"
    for text in (b"four", b"much longer"):
        example = request.input.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(text)
    answer = stub.Classify(request, timeout=30).result.classifications
    assert [[(c.label, c.score) for c in row.classes] for row in answer] == [
        [(name, 0.75 if name == best else 0.125) for name in CLASS_NAMES]
        for best in ("middling", "long")
    ]


def test_metadata(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "lengths"
    response = stub.GetModelMetadata(request, timeout=30)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    outputs = signatures.signature_def["classify"].outputs
    assert sorted(outputs) == ["label", "probabilities", "probability"]
    del request.metadata_field[:]
    assert refused(stub.GetModelMetadata, request)[0] == "INVALID_ARGUMENT"


def test_status(channel):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "letters"
    (status,) = stub.GetModelStatus(request, timeout=30).model_version_status
    assert (status.version, status.state) == (3, 30)  # AVAILABLE
    request.model_spec.version.value = 4
    assert refused(stub.GetModelStatus, request) == (
        "NOT_FOUND",
        "Model 'letters' has no version 4.",
    )


def big():
    """A tensor of a few bytes that claims to be of any size."""
    proto = tf.make_tensor_proto([1.0])
    proto.tensor_shape.Clear()
    for size in (2**40, 3):
        proto.tensor_shape.dim.add(size=size)
    request = predict("sums")
    request.inputs["x"].CopyFrom(proto)
    return request


def unreadable():
    request = predict("sums", x=X)
    request.inputs["x"].tensor_content = b"12345"
    return request


def labelled():
    request = predict("sums", x=X)
    request.model_spec.version_label = "stable"
    return request


WRONG = [
    (predict("zebra"), "NOT_FOUND", "received 'zebra'"),
    (predict("sums", version=5), "NOT_FOUND", "has version 1; received 5"),
    (predict("sums", "cube"), "NOT_FOUND", "received 'cube'"),
    (predict("sums"), "INVALID_ARGUMENT", "Input 'x' is missing"),
    (predict("sums", z=X), "INVALID_ARGUMENT", "There is no input 'z'"),
    (predict("sums", x=X[0]), "INVALID_ARGUMENT", "does not take shape [3]"),
    (predict("sums", x=X.astype("float64")), "INVALID_ARGUMENT", "received DT_DOUBLE"),
    (predict("sums", x=X[:0]), "INVALID_ARGUMENT", "a row at least"),
    (predict("sums", x=X * 0 + 13), "INVALID_ARGUMENT", "13 brings bad luck."),
    (big(), "INVALID_ARGUMENT", "received shape [1099511627776, 3]"),
    (unreadable(), "INVALID_ARGUMENT", "a tensor that cannot be read"),
    (labelled(), "INVALID_ARGUMENT", "Versions have numbers here, and no labels."),
]


@pytest.mark.parametrize(("request_", "code", "sentence"), WRONG)
def test_what_is_wrong_is_said(stub, request_, code, sentence):
    said = refused(stub.Predict, request_)
    assert said[0] == code and sentence in said[1]


def test_what_is_not_offered_is_unimplemented(stub):
    assert refused(stub.Regress, regression_pb2.RegressionRequest())[0] == "UNIMPLEMENTED"
