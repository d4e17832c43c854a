"""gRPC: TensorFlow Serving's PredictionService and ModelService, by the official stubs."""

import hmac
import time

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tfzoo.serving import classify
from tfzoo.serving.predict import complete, find_signature
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.service import Service
from tfzoo.serving.tensors import check, wrong


def create_rpc_server(service: Service) -> grpc.aio.Server:
    """A server that still has to be given a port, and started."""
    limit = service.settings.max_body_bytes
    server = grpc.aio.server(
        interceptors=[Guard(service)],
        options=[("grpc.max_receive_message_length", limit), ("grpc.so_reuseport", 0)],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(service), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(service), server)
    return server


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Computes; what it does not offer answers UNIMPLEMENTED.

    Args:
        service: the models.
    """

    def __init__(self, service: Service):
        self._service = service

    async def Predict(self, request, context):  # noqa: N802 (gRPC's name)
        """Computes a signature."""
        with _lend(self._service, request.model_spec) as version:
            signature = find_signature(version, request.model_spec.signature_name)
            arrays = {
                name: to_array(proto, _find_input(signature, name), self._service.settings)
                for name, proto in request.inputs.items()
            }
            inputs = complete(arrays, signature, self._service.settings)
            outputs = await self._service.batcher.run(version, signature.name, inputs)
            response = predict_pb2.PredictResponse()
            _fill_spec(response.model_spec, request, version, signature.name)
        wanted = set(request.output_filter) or set(outputs)
        if strange := wanted - set(outputs):
            raise Refusal(
                400, f"There is no output {min(strange)!r}: {', '.join(sorted(outputs))}."
            )
        for name in wanted:
            response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name]))
        return response

    async def Classify(self, request, context):  # noqa: N802
        """Classes and their probabilities for each example."""
        kind = request.input.WhichOneof("kind")
        listed = getattr(request.input, kind) if kind else None
        examples = [features(example) for example in listed.examples] if kind else []
        shared = features(listed.context) if kind == "example_list_with_context" else {}
        with _lend(self._service, request.model_spec) as version:
            signature = find_signature(version, request.model_spec.signature_name)
            settings = self._service.settings
            inputs = classify.decode(version, signature, examples, shared, settings)
            outputs = await self._service.batcher.run(version, signature.name, inputs)
            response = classification_pb2.ClassificationResponse()
            _fill_spec(response.model_spec, request, version, signature.name)
            for row in classify.encode(version, outputs):
                classes = response.result.classifications.add().classes
                for label, score in row:
                    classes.add(label=label, score=score)
        return response

    async def GetModelMetadata(self, request, context):  # noqa: N802
        """The signatures of a version, as its SavedModel has them."""
        if list(request.metadata_field) != ["signature_def"]:
            raise Refusal(
                400, f"`metadata_field` is 'signature_def'; received {[*request.metadata_field]}."
            )
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with _lend(self._service, request.model_spec) as version:
            _fill_spec(response.model_spec, request, version)
            response.metadata["signature_def"].Pack(signature_map(version))
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Tells the state of models; bundles change by their folders alone.

    Args:
        service: the models.
    """

    def __init__(self, service: Service):
        self._service = service

    async def GetModelStatus(self, request, context):  # noqa: N802
        """The state of each version."""
        states = self._service.model(request.model_spec.name).states()
        number = _number_of(request.model_spec)
        if number is not None and number not in states:
            raise Refusal(404, f"Model {request.model_spec.name!r} has no version {number}.")
        response = get_model_status_pb2.GetModelStatusResponse()
        for one, (state, error) in sorted(states.items(), reverse=True):
            if number in (None, one):
                row = response.model_version_status.add(version=one, state=state)
                row.status.error_code = 2 if error else 0
                row.status.error_message = error
        return response


class Guard(grpc.aio.ServerInterceptor):
    """Asks for the token, counts, and turns a `Refusal` into a status.

    Args:
        service: its settings and metrics.
    """

    def __init__(self, service: Service):
        self._service = service

    async def intercept_service(self, continuation, handler_call_details):
        """Wraps a method."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        token = self._service.settings.token
        sent = dict(handler_call_details.invocation_metadata or ()).get("authorization", "")
        welcome = not token or hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
        method = handler_call_details.method.rpartition("/")[2]

        async def answer(request, context):
            start, code = time.perf_counter(), grpc.StatusCode.CANCELLED
            try:
                if not welcome:
                    raise Refusal(401, "Send the server's token as `authorization: Bearer TOKEN`.")
                response = await handler.unary_unary(request, context)
                code = grpc.StatusCode.OK
                return response
            except Refusal as refusal:
                code = refusal.code
                await context.abort(code, refusal.sentence)
            finally:
                self._service.metrics.count("grpc", method, code.name, start)

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )


def signature_map(version) -> get_model_metadata_pb2.SignatureDefMap:
    """The signatures of a version."""
    return get_model_metadata_pb2.SignatureDefMap(signature_def=version.description.protos)


def _lend(service, spec):
    if spec.WhichOneof("version_choice") == "version_label":
        raise Refusal(400, "Versions have numbers here, and no labels.")
    return service.model(spec.name).use(_number_of(spec))


def _number_of(spec):
    return spec.version.value if spec.HasField("version") else None


def _fill_spec(spec, request, version, signature_name=""):
    spec.name = request.model_spec.name
    spec.version.value = version.number
    spec.signature_name = signature_name


def _find_input(signature, name):
    if name not in signature.inputs:
        raise Refusal(400, f"There is no input {name!r}: {signature}.")
    return signature.inputs[name]


def to_array(proto, spec, settings) -> np.ndarray:
    """The array of a `TensorProto`, if it suits an input and keeps the limits.

    Raises:
        Refusal: 400, if it does not.
    """
    if proto.dtype != spec.dtype.as_datatype_enum:
        names = {number: name for name, number in types_pb2.DataType.items()}
        raise wrong(spec, names.get(proto.dtype, f"data type {proto.dtype}"))
    sizes = [d.size for d in proto.tensor_shape.dim]
    # One value may stand for all: a few bytes could ask for any amount of memory.
    if any(size < 0 for size in sizes) or np.prod(sizes, dtype=float) > settings.max_body_bytes:
        raise wrong(spec, f"shape {sizes}")
    try:
        array = tf.make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise wrong(spec, f"a tensor that cannot be read ({error})") from None
    return check(array, spec, settings)


def features(example) -> dict:
    """Features of a `tf.train.Example` with one value each."""
    found = {}
    for name, feature in example.features.feature.items():
        values = getattr(feature, feature.WhichOneof("kind") or "bytes_list").value
        if len(values) != 1:
            raise Refusal(400, f"Feature {name!r} must have one value; received {len(values)}.")
        found[name] = values[0]
    return found
