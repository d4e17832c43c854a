"""OpenAI's completions, whole or streamed, by the signatures of a bundle that writes."""

import json
import re
import time
import uuid
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from tfzoo.serving import schemas
from tfzoo.serving.body import read_body, validated
from tfzoo.serving.predict import parse
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.service import Service
from tfzoo.serving.writing import (
    START,
    WHOLE,
    Counts,
    Cutter,
    find_writer,
    inputs_of,
    write,
    write_pieces,
)

COMPLETIONS = "/v1/completions"
KNOWN = schemas.Completion.model_fields
# What OpenAI calls the inputs of a model.
NAMES = {"`max_new_tokens`": "`max_tokens`", "Input 'text'": "`prompt`"}


def completions_router(service: Service) -> APIRouter:
    """`/v1/completions`, and the list of models."""
    router = APIRouter(tags=["OpenAI"])

    @router.get("/v1/models", response_model=schemas.OpenAIModels, responses=schemas.ERRORS)
    async def models():
        """All models."""
        return {"object": "list", "data": [schemas.openai_model(name) for name in service.models]}

    @router.post(
        COMPLETIONS,
        response_model=schemas.Completed,
        responses={200: schemas.EVENTS, **schemas.OPENAI_ERRORS},
        openapi_extra=schemas.body(schemas.Completion, model={"enum": list(service.models)}),
    )
    async def completions(request: Request):
        """Continue texts; with `stream`, as server-sent events."""
        sent = parse(await read_body(request, service.settings))
        answer = Answer(service, validated(schemas.Completion, sent))
        if not answer.request.stream:
            return Response(json.dumps(await answer.whole()), media_type="application/json")
        events = answer.events()
        # What is wrong with the request shows before the first piece: then it still has a status.
        first = await anext(events)
        return StreamingResponse(_chained(first, events), media_type="text/event-stream")

    return router


def openai_error(refusal: Refusal) -> dict:
    """A refusal in the form, and with the names, that OpenAI's clients show."""
    kind = "invalid_request_error" if refusal.status < 500 else "server_error"
    sentence = refusal.sentence
    for ours, theirs in NAMES.items():
        sentence = sentence.replace(ours, theirs)
    named = [name for name in re.findall(r"`(\w+)`", sentence) if name in KNOWN]
    param = "model" if refusal.status == 404 else named[0] if named else None
    return {"error": {"message": sentence, "type": kind, "param": param, "code": None}}


async def _chained(first, events):
    yield first
    async for event in events:
        yield event


class Answer:
    """The answer to one request.

    Args:
        service: the models.
        request: what is wanted.
    """

    def __init__(self, service: Service, request: schemas.Completion):
        self.request, self._service = request, service
        prompts = [request.prompt] if isinstance(request.prompt, str) else request.prompt
        # One for each choice, in OpenAI's order.
        self._prompts = [text for text in prompts for _ in range(request.n)]
        stops = [request.stop] if isinstance(request.stop, str) else request.stop or []
        self._cutters = [Cutter(stops) for _ in self._prompts]
        self._counts = Counts()
        self._head = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": request.model,
        }

    async def whole(self) -> dict:
        """All texts at once."""
        with self._service.model(self.request.model).use() as version:
            signature = find_writer(version, WHOLE)
            inputs = inputs_of(signature, self._prompts, self.request, self._service.settings)
            pieces = await write(self._service, version, inputs, self._counts)
        texts = [
            cutter.feed(piece.decode(errors="replace"), last=True)
            for cutter, piece in zip(self._cutters, pieces, strict=True)
        ]
        choices = [
            self._choice(index, self._echo(index) + text, self._reason(index))
            for index, text in enumerate(texts)
        ]
        return {**self._head, "choices": choices, "usage": self._usage()}

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events: the pieces of all texts, then how each ended.

        Raises:
            Refusal: before the first event; later, the event has the error.
        """
        started = False
        try:
            async for piece in self._pieces():
                yield f"data: {json.dumps(piece)}\n\n"
                started = True
        except Refusal as refusal:
            if not started:
                raise
            yield f"data: {json.dumps(openai_error(refusal))}\n\n"
        yield "data: [DONE]\n\n"

    async def _pieces(self):
        rows = range(len(self._prompts))
        with self._service.model(self.request.model).use() as version:
            signature = find_writer(version, START)
            inputs = inputs_of(signature, self._prompts, self.request, self._service.settings)
            for index in rows if self.request.echo else ():
                yield self._event(self._choice(index, self._echo(index)))
            async for pieces, finished in write_pieces(
                self._service, version, inputs, self._counts
            ):
                for index, cutter in enumerate(self._cutters):
                    piece = cutter.feed(pieces[index].decode(errors="replace"), finished[index])
                    if piece:
                        yield self._event(self._choice(index, piece))
                if all(cutter.stopped for cutter in self._cutters):
                    break
        for index in rows:
            yield self._event(self._choice(index, "", self._reason(index)))
        if (self.request.stream_options or {}).get("include_usage"):
            yield {**self._head, "choices": [], "usage": self._usage()}

    def _usage(self):
        """None where the bundle does not count."""
        if self._counts.prompt is None:
            return None
        prompt = int(self._counts.prompt[:: self.request.n].sum())
        completion = int(self._counts.new.sum())
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }

    def _reason(self, index):
        """`length` where all tokens were written that were asked for; None if nobody knows."""
        if self._cutters[index].stopped:
            return "stop"
        if self._counts.prompt is None:
            return None
        return "length" if self._counts.new[index] >= self.request.max_tokens else "stop"

    def _echo(self, index):
        return self._prompts[index] if self.request.echo else ""

    def _choice(self, index, text, reason=None):
        return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}

    def _event(self, choice):
        return {**self._head, "choices": [choice]}
