"""What goes over HTTP, as `/openapi.json` tells it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Error(BaseModel):
    """Why there is no answer: one sentence."""

    error: str


class OpenAIErrorBody(BaseModel):
    """Why there is no answer: `message` is one sentence."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """An error as OpenAI's clients read it."""

    error: OpenAIErrorBody


class Rows(BaseModel):
    """A value, or an object of inputs by name, for each row."""

    model_config = ConfigDict(extra="forbid")
    instances: Annotated[list[Any], Field(min_length=1)]
    signature_name: str | None = None


class Columns(BaseModel):
    """A value, or an object of inputs by name, for all rows; settings are here alone."""

    model_config = ConfigDict(extra="forbid")
    inputs: Any
    signature_name: str | None = None


class Predictions(BaseModel):
    """A value, or an object of outputs by name, for each row."""

    predictions: list[Any]


class Outputs(BaseModel):
    """The only output, or an object of outputs by name."""

    outputs: Any


class Classify(BaseModel):
    """Examples by feature, `{"text": "..."}`."""

    model_config = ConfigDict(extra="forbid")
    examples: Annotated[list[dict[str, Any]], Field(min_length=1)]
    context: dict[str, Any] = {}
    signature_name: str | None = None


class Classes(BaseModel):
    """For each example the pairs of a class and its probability."""

    result: list[list[tuple[str, float]]]


class ModelSpec(BaseModel):
    """Of what the rest is told."""

    name: str
    signature_name: str
    version: str


class Metadata(BaseModel):
    """`SignatureDef`s, as protobuf writes them in JSON."""

    model_spec: ModelSpec
    metadata: dict[Literal["signature_def"], Any]


class VersionStatus(BaseModel):
    """A version: UNLOADING while requests in flight end, END if it did not load."""

    version: str
    state: Literal["LOADING", "AVAILABLE", "UNLOADING", "END"]
    status: dict[str, str]


class OpenAIModel(BaseModel):
    """A model as OpenAI's clients know it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class OpenAIModels(BaseModel):
    """All models."""

    object: Literal["list"]
    data: list[OpenAIModel]


class Status(OpenAIModel):
    """The versions of a model."""

    model_version_status: list[VersionStatus]


class Health(BaseModel):
    """Whether the server lives, and is ready."""

    status: str


class Completion(BaseModel):
    """OpenAI's request for a text to be continued; what is not here is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)
    model: str
    prompt: Annotated[str | list[str], Field(description="One text, or several.")]
    max_tokens: Annotated[int, Field(ge=1)] = 16
    temperature: Annotated[float, Field(ge=0, le=2, description="0: the likeliest token.")] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**63)] = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] = 1
    echo: bool = False
    stream: bool = False
    stream_options: dict[Literal["include_usage", "include_obfuscation"], bool] | None = None
    user: str | None = None
    # Known to OpenAI; only the values that ask for nothing are taken.
    logprobs: None = None
    suffix: None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    best_of: Literal[1] | None = None
    presence_penalty: Literal[0] | None = 0
    frequency_penalty: Literal[0] | None = 0


class Choice(BaseModel):
    """A continuation; in a stream, a piece of it."""

    text: str
    index: int
    logprobs: None
    finish_reason: Literal["stop", "length"] | None


class Usage(BaseModel):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completed(BaseModel):
    """OpenAI's answer."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None


def openai_model(name: str) -> dict:
    """A model as OpenAI's clients know it."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "tfzoo"}


def body(*schemas: type[BaseModel], **more: dict) -> dict:
    """What FastAPI is told of a body that is read by hand, with more about some properties."""
    found = [schema.model_json_schema() for schema in schemas]
    for name, facts in more.items():
        found[0]["properties"][name] |= facts
    schema = found[0] if len(found) == 1 else {"anyOf": found}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


STATUSES = {
    400: "The request is wrong.",
    401: "The token is missing or wrong.",
    404: "There is no such model, version or signature.",
    408: "The body took too long to come.",
    413: "The body is too long.",
    429: "Too many requests wait: try again later.",
    500: "The model failed.",
    503: "The model is not there now: try again later.",
    504: "The answer took too long.",
}
ERRORS = {code: {"model": Error, "description": text} for code, text in STATUSES.items()}
OPENAI_ERRORS = {code: {**error, "model": OpenAIError} for code, error in ERRORS.items()}
EVENTS = {
    "description": "The whole answer, or with `stream` its pieces as server-sent events.",
    "content": {
        "text/event-stream": {  # of one event
            "schema": {
                "type": "object",
                "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
                "required": ["data"],
            }
        }
    },
}
PREDICT = {
    "methods": ["POST"],
    "response_model": Predictions | Outputs,
    "openapi_extra": body(Rows, Columns),
}
CLASSIFY = {"methods": ["POST"], "response_model": Classes, "openapi_extra": body(Classify)}
METADATA = {"methods": ["GET"], "response_model": Metadata}
STATUS = {"methods": ["GET"], "response_model": Status}
