"""The body of a request: read within limits, checked against a schema."""

import asyncio

import pydantic
from fastapi import Request

from tfzoo.serving.refusal import Refusal
from tfzoo.serving.settings import Settings


async def read_body(request: Request, settings: Settings) -> bytes:
    """All of the body.

    Raises:
        Refusal: 413 if it is too long, 408 if it takes too long.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(settings.timeout):
            async for chunk in request.stream():
                body += chunk
                if len(body) > settings.max_body_bytes:
                    raise Refusal(413, f"A body has {settings.max_body_bytes} bytes at most.")
    except TimeoutError:
        raise Refusal(408, f"The body must come within {settings.timeout:g} s.") from None
    return bytes(body)


def validated(schema: type[pydantic.BaseModel], value):
    """A value of JSON as an object of a schema.

    Raises:
        Refusal: 400, with the first thing that is wrong.
    """
    try:
        return schema.model_validate(value)
    except pydantic.ValidationError as error:
        raise Refusal(400, first_error(error.errors())) from None


def first_error(errors) -> str:
    """The first of pydantic's errors as one sentence."""
    error = errors[0]
    place = ".".join(str(part) for part in error["loc"]) or "the body"
    received = repr(error.get("input"))
    received = received if len(received) < 60 else received[:60] + "..."
    return f"`{place}` is wrong: {error['msg']}; received {received}."
