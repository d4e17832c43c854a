"""The body of a request: read within limits, checked against a schema."""

import asyncio
import json

import pydantic
from fastapi import Request

from tfzoo.serving.refusal import Refusal
from tfzoo.serving.settings import Settings

SIDES = ("body", "path", "query")  # what FastAPI puts before a name


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
    """The first of pydantic's errors as one sentence, in the names of the API."""
    places = [[part for part in error["loc"] if part not in SIDES] for error in errors]
    if not places[0]:
        return "The body must be an object of JSON."
    name = places[0][0]
    same = [error for error, place in zip(errors, places, strict=True) if place[:1] == [name]]
    # A value that may be of two kinds has an error of each; that of its length says more.
    error = next((one for one in same if one["type"] in ("too_short", "too_long")), same[0])
    name = {"number": "version"}.get(name, name)
    if error["type"] == "missing":
        return f"`{name}` is missing."
    if error["type"] == "extra_forbidden":
        return f"`{name}` is not known here: leave it out."
    received = json.dumps(error.get("input"), default=repr)
    received = received if len(received) < 60 else received[:60] + "..."
    return f"`{name}` {_wish(error, len(same))}; received {received}."


def _wish(error, num_kinds):
    if error["type"] == "none_required" or error.get("ctx", {}).get("max_length") == 0:
        return "is not offered here: leave it out"
    if num_kinds > 1 and error["type"] in ("string_type", "list_type"):
        return "must be a string or a list of strings"
    # What follows a comma tells how pydantic tried.
    wish = error["msg"].split(", ")[0].replace(" after validation", "")
    for word in ("Input", "List", "String", "Dictionary", "Tuple"):
        wish = wish.removeprefix(f"{word} should ")
    return f"must {wish}"
