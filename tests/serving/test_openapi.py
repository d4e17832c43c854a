"""The server keeps to what `/openapi.json` says of it, whatever it is sent."""

import hypothesis
import pytest
import schemathesis
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]


# In the order of rising effort: addresses, and how many requests each gets.
OPERATIONS = {
    "GET /v1/models": 3,
    "GET /healthz": 3,
    "GET /readyz": 3,
    "GET /metrics": 3,
    "GET /v1/models/{name}": 10,
    "GET /v1/models/{name}/versions/{number}": 20,
    "GET /v1/models/{name}/metadata": 10,
    "GET /v1/models/{name}/versions/{number}/metadata": 20,
    "POST /v1/models/{name}:predict": 60,
    "POST /v1/models/{name}/versions/{number}:predict": 20,
    "POST /v1/models/{name}:classify": 40,
    "POST /v1/models/{name}/versions/{number}:classify": 20,
    "POST /v1/completions": 60,
}
MODES = schemathesis.GenerationMode
CASES = [(label, MODES.POSITIVE) for label in OPERATIONS]
# Without a body and a variable nothing can be wrong.
CASES += [(label, MODES.NEGATIVE) for label in OPERATIONS if "{" in label or "POST" in label]


@pytest.fixture(scope="module")
def operations(server):
    schema = schemathesis.openapi.from_url(f"{server.address}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.label: operation for operation in found}


def test_all_addresses_are_described(operations):
    assert sorted(operations) == sorted(OPERATIONS)


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_every_answer_is_one_that_is_described(operations, label, mode):
    settings = hypothesis.settings(
        max_examples=OPERATIONS[label],
        suppress_health_check=list(hypothesis.HealthCheck),
        database=None,
        phases=[hypothesis.Phase.generate],
    )

    @settings
    @hypothesis.seed(3)
    @hypothesis.given(case=operations[label].as_strategy(generation_mode=mode))
    def conforms(case):
        case.call_and_validate(checks=CHECKS)

    conforms()


def test_a_stream_is_described_too(operations):
    body = {"model": "letters", "prompt": "a", "max_tokens": 3, "stream": True}
    case = operations["POST /v1/completions"].Case(body=body, media_type="application/json")
    answer = case.call()
    assert answer.status_code == 200
    assert answer.headers["content-type"][0].startswith("text/event-stream")
    case.validate_response(answer, checks=CHECKS)
