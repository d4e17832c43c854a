"""The application that uvicorn runs: addresses, who may call them, what errors look like."""

import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from tfzoo.serving import schemas
from tfzoo.serving.body import first_error
from tfzoo.serving.completions import COMPLETIONS, completions_router, openai_error
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.rest import models_router
from tfzoo.serving.service import Service

log = logging.getLogger("tfzoo.serving")
CONTENTS = {
    "documentation": "/openapi.json",
    "health": ["/healthz", "/readyz"],
    "metrics": "/metrics",
    "models": "/v1/models",
    "predict": "/v1/models/{name}:predict",
    "classify": "/v1/models/{name}:classify",
    "completions": COMPLETIONS,
}


def create_app(service: Service, counted: Callable[[], Awaitable[bytes]] | None = None) -> FastAPI:
    """The application; `/openapi.json` describes it.

    Args:
        service: the models.
        counted: gives what `/metrics` answers, where other processes count too.
    """
    app = FastAPI(
        title="tfzoo serve",
        version="1",
        description="TensorFlow Serving's REST API, and OpenAI's completions, over bundles.",
        # The pages that show it load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    bearer = HTTPBearer(auto_error=False)

    async def authorized(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]):
        token = service.settings.token
        if token and not (sent and hmac.compare_digest(sent.credentials.encode(), token.encode())):
            raise Refusal(401, "Send the server's token as `Authorization: Bearer TOKEN`.")

    guard = {"dependencies": [Depends(authorized)]}
    app.include_router(completions_router(service), **guard)
    app.include_router(models_router(service), **guard, responses=schemas.ERRORS)
    app.include_router(
        metrics_router(service, counted), **guard, responses={401: schemas.ERRORS[401]}
    )
    app.include_router(health_router(service))
    app.add_middleware(Count, metrics=service.metrics)
    add_error_handlers(app)
    return app


def health_router(service: Service) -> APIRouter:
    """What an orchestrator asks; it needs no token."""
    router = APIRouter(tags=["operation"], default_response_class=JSONResponse)

    @router.get("/", include_in_schema=False)
    def contents():
        """What there is."""
        return CONTENTS

    @router.get("/healthz", response_model=schemas.Health)
    def health():
        """Whether the process lives."""
        return {"status": "alive"}

    @router.get("/readyz", response_model=schemas.Health, responses={503: schemas.ERRORS[503]})
    def ready():
        """Whether requests are taken; not before models are loaded, and not while it stops."""
        if not service.is_ready:
            raise Refusal(503, "The server is stopping.")
        return {"status": "ready"}

    return router


def metrics_router(service: Service, counted=None) -> APIRouter:
    """What Prometheus asks."""
    router = APIRouter(tags=["operation"])

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics():
        """Counters for Prometheus."""
        text = await counted() if counted else service.metrics.text()
        return Response(text, media_type="text/plain; version=0.0.4")

    return router


class Count:
    """ASGI middleware that counts requests and their seconds."""

    def __init__(self, app, metrics):
        self._app, self._metrics = app, metrics

    async def __call__(self, scope, receive, send):
        """Passes everything through, and remembers the status."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start, codes = time.perf_counter(), [499]  # as nginx calls a client that went away

        async def remember(message):
            if message["type"] == "http.response.start":
                codes.append(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, remember)
        finally:
            # The pattern of the address: the address itself could have any number of values.
            method = getattr(scope.get("route"), "path", "unknown")
            self._metrics.count("http", method, codes[-1], start)


def add_error_handlers(app: FastAPI) -> None:
    """Every error is `{"error": "one sentence"}`, where OpenAI's clients do not want it else."""

    def say(request, refusal):
        as_openai = request.url.path == COMPLETIONS
        error = openai_error(refusal) if as_openai else {"error": refusal.sentence}
        return Response(
            json.dumps(error),
            refusal.status,
            refusal.headers,
            "application/json",
        )

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal):
        return say(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError):
        return say(request, Refusal(400, first_error(error.errors())))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException):
        response = say(request, Refusal(error.status_code, f"{error.detail}: see /openapi.json."))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception):
        log.error("a request failed", exc_info=error)
        return say(
            request, Refusal(500, f"The server failed ({type(error).__name__}); its log says more.")
        )
