"""HTTP: TensorFlow Serving's REST API. `app.py` puts it together with all else."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from google.protobuf import json_format

from tfzoo.serving import classify, schemas
from tfzoo.serving.body import read_body, validated
from tfzoo.serving.predict import decode, encode, find_signature, parse, signature_of
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.rpc import signature_map
from tfzoo.serving.service import Service

Number = Annotated[int, Path(ge=0, lt=10**18, description="Of a version.")]


def models_router(service: Service) -> APIRouter:
    """TensorFlow Serving's addresses, each with and without a version."""
    router = APIRouter(tags=["TensorFlow Serving"])
    handlers = Handlers(service)
    name = Path(description="Of a model.", json_schema_extra={"enum": list(service.models)})
    name = Annotated[str, name]
    # The last matches what the others do, so it comes last.
    _add(router, name, ":predict", handlers.predict, schemas.PREDICT)
    _add(router, name, ":classify", handlers.classify, schemas.CLASSIFY)
    _add(router, name, "/metadata", handlers.metadata, schemas.METADATA)
    _add(router, name, "", handlers.status, schemas.STATUS)
    return router


def _add(router, name_type, ending, handler, route):
    async def newest(name: name_type, request: Request):
        return await handler(request, name, None)

    async def numbered(name: name_type, number: Number, request: Request):
        return await handler(request, name, number)

    newest.__doc__ = numbered.__doc__ = handler.__doc__
    base = "/v1/models/{name}"
    for path, endpoint in ((base, newest), (base + "/versions/{number}", numbered)):
        router.add_api_route(path + ending, endpoint, name=handler.__name__, **route)


class Handlers:
    """One method for each address.

    Args:
        service: the models.
    """

    def __init__(self, service: Service):
        self._service = service

    async def predict(self, request: Request, name: str, number: int | None) -> Response:
        """Compute a signature, by rows (`instances`) or by columns (`inputs`)."""
        service = self._service
        sent = parse(await read_body(request, service.settings))
        with service.model(name).use(number) as version:
            signature = signature_of(version, sent)
            inputs = decode(sent, signature, service.settings)
            outputs = await service.batcher.run(version, signature.name, inputs)
        rows = sent.get("instances")
        return json_response(encode(outputs, rows is not None, len(rows or ())))

    async def classify(self, request: Request, name: str, number: int | None) -> Response:
        """Classes and their probabilities for each example."""
        service = self._service
        sent = validated(schemas.Classify, parse(await read_body(request, service.settings)))
        with service.model(name).use(number) as version:
            signature = find_signature(version, sent.signature_name)
            inputs = classify.decode(
                version, signature, sent.examples, sent.context, service.settings
            )
            outputs = await service.batcher.run(version, signature.name, inputs)
            return json_response(json.dumps({"result": classify.encode(version, outputs)}))

    async def metadata(self, request: Request, name: str, number: int | None) -> Response:
        """The signatures of a version, as its SavedModel has them."""
        with self._service.model(name).use(number) as version:
            signatures = json_format.MessageToDict(
                signature_map(version),
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            spec = {"name": name, "signature_name": "", "version": str(version.number)}
        answer = {"model_spec": spec, "metadata": {"signature_def": signatures}}
        return json_response(json.dumps(answer))

    async def status(self, request: Request, name: str, number: int | None) -> Response:
        """The state of each version; for OpenAI's clients, which ask here too, the model."""
        states = self._service.model(name).states()
        if number is not None and number not in states:
            raise Refusal(404, f"Model {name!r} has no version {number}.")
        rows = [
            {
                "version": str(n),
                "state": state,
                "status": {"error_code": "UNKNOWN" if error else "OK", "error_message": error},
            }
            for n, (state, error) in sorted(states.items(), reverse=True)
            if number in (None, n)
        ]
        answer = {"model_version_status": rows, **schemas.openai_model(name)}
        return json_response(json.dumps(answer))


def json_response(text: str) -> Response:
    """A response of JSON that is written already, perhaps with `NaN` in it."""
    return Response(text, media_type="application/json")
