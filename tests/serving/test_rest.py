"""TensorFlow Serving's REST API: values, forms, and what is refused in which words."""

import base64
import json
import math
import time
import types

import numpy as np
import pytest

from tests.serving.bundles import CLASS_NAMES
from tfzoo.serving import classify

SUMS = "/v1/models/sums"


@pytest.fixture
def post(server):
    def post(path, body, status=200):
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        response = server.http.post(path, content=content)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        answer = json.loads(response.content)
        if status != 200:
            assert answer.keys() == {"error"}
            return answer["error"]
        return answer

    return post


def test_columns(post):
    x = [[1, 2.5, 3], [4, 5, -6]]
    answer = post(f"{SUMS}:predict", {"inputs": {"x": x, "factor": 3}})
    assert answer == {"outputs": [[3, 7.5, 9], [12, 15, -18]]}
    # The setting has a default in tfzoo.json, and an only input needs no name then.
    for inputs in ({"x": x}, x):
        answer = post(f"{SUMS}/versions/1:predict", {"signature_name": "scale", "inputs": inputs})
        assert answer == {"outputs": [[2, 5, 6], [8, 10, -12]]}


def test_rows(post):
    rows = [[1, 2, 3], [4, 5, 6]]
    for instances in (rows, [{"x": row} for row in rows]):
        answer = post(f"{SUMS}:predict", {"instances": instances})
        assert answer == {"predictions": [[2, 4, 6], [8, 10, 12]]}


def test_several_outputs(post):
    form = {"signature_name": "square"}
    answer = post(f"{SUMS}:predict", {**form, "instances": [3, -5]})
    assert answer == {"predictions": [{"half": 1.5, "square": 9}, {"half": -2.5, "square": 25}]}
    answer = post(f"{SUMS}:predict", {**form, "inputs": [3, -5]})
    assert answer == {"outputs": {"half": [1.5, -2.5], "square": [9, 25]}}


def test_settings_alone(post):
    inputs = {"n": 3, "seed": 2**40, "negative": True}
    answer = post(f"{SUMS}:predict", {"signature_name": "count", "inputs": inputs})
    assert answer == {"outputs": [-(2**40), -(2**40) - 1, -(2**40) - 2]}


def test_samples_are_bounded(post):
    inputs = {"n": 1025, "seed": 1, "negative": False}
    wrong = post(f"{SUMS}:predict", {"signature_name": "count", "inputs": inputs}, 400)
    assert wrong == "`n` must be at most 1024; received 1025."


def test_bytes(post):
    def b64(data):
        return {"b64": base64.b64encode(data).decode()}

    answer = post(
        f"{SUMS}:predict", {"signature_name": "swap", "instances": ["abc", b64(b"\x01\xff"), "é"]}
    )
    assert answer["predictions"] == [
        {"swapped": "bca", "swapped_bytes": b64(b"bca")},
        # What is no UTF-8 goes as base64, whatever its name.
        {"swapped": b64(b"\xff\x01"), "swapped_bytes": b64(b"\xff\x01")},
        {"swapped": b64("é".encode()[::-1]), "swapped_bytes": b64("é".encode()[::-1])},
    ]


def test_infinite_numbers_as_tensorflow_serving_writes_them(post):
    body = '{"signature_name": "inverse", "inputs": [0, -0.0, 1e-3]}'
    values = post(f"{SUMS}:predict", body)["outputs"]
    assert values[:2] == [math.inf, -math.inf] and values[2] == pytest.approx(1000)


def test_classes(post):
    answer = post(
        "/v1/models/lengths:classify", {"examples": [{"text": "four"}, {"text": "much longer"}]}
    )
    assert answer == {
        "result": [
            [[name, 0.75 if name == best else 0.125] for name in CLASS_NAMES]
            for best in ("middling", "long")
        ]
    }


def test_a_version_names_its_own_classes():
    version = types.SimpleNamespace(
        description=types.SimpleNamespace(class_names=("new", "newer"), task="classification")
    )
    outputs = {"probabilities": np.array([[0.25, 0.5, 0.25]])}
    outputs["class_names"] = np.array([[b"a", "é".encode(), b"c"]], object)
    assert classify.encode(version, outputs) == [[["a", 0.25], ["é", 0.5], ["c", 0.25]]]


def test_status_and_metadata(server):
    get = server.http.get
    status = {
        "version": "7",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    for path in ("/v1/models/lengths", "/v1/models/lengths/versions/7"):
        assert get(path).json()["model_version_status"] == [status]
    metadata = get(f"{SUMS}/metadata").json()
    assert metadata["model_spec"] == {"name": "sums", "signature_name": "", "version": "1"}
    x = metadata["metadata"]["signature_def"]["signature_def"]["scale"]["inputs"]["x"]
    assert x["dtype"] == "DT_FLOAT"
    assert [one["size"] for one in x["tensor_shape"]["dim"]] == ["-1", "3"]
    assert [model["id"] for model in get("/v1/models").json()["data"]] == [
        "sums",
        "lengths",
        "letters",
    ]


def test_health_and_metrics(server, post):
    contents = server.http.get("/").json()
    assert contents["health"] == ["/healthz", "/readyz"]
    # It is described without a page whose scripts a machine without internet lacks.
    described = server.http.get(contents["documentation"]).json()
    assert "/v1/models/{name}:predict" in described["paths"]
    assert [server.http.get(page).status_code for page in ("/docs", "/redoc")] == [404, 404]
    assert server.http.get("/healthz").json() == {"status": "alive"}
    assert server.http.get("/readyz").json() == {"status": "ready"}
    labels = '{code="200",method="/v1/models/{name}:predict",protocol="http"}'
    before = server.metric("tfzoo_requests_total", labels)
    post(f"{SUMS}:predict", {"inputs": [[1, 2, 3]]})
    assert server.metric("tfzoo_requests_total", labels) == before + 1
    assert server.metric("tfzoo_model_available", '{model="lengths",version="7"}') == 1


def test_answers_are_not_held_back(post):
    """A socket that gathers small packets waits 40 ms for the client's acknowledgement."""
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        post(f"{SUMS}:predict", {"inputs": [[1, 2, 3]]})
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.035


DEEP = "[" * 100_000 + "]" * 100_000
WRONG = [
    ("sums", '{"inputs": ', "The body must be JSON; Expecting value"),
    ("sums", b"\xff\xfe\xfd", "The body must be JSON"),
    ("sums", DEEP, "nested too deep"),
    ("sums", '{"inputs": %s}' % ("[" * 90 + "1" + "]" * 90), "too deep ones"),
    ("sums", '{"inputs": [[%s, 1, 1]]}' % ("9" * 5000), "The body must be JSON"),
    ("sums", '{"inputs": [[NaN, 1, 1]]}', "NaN is not a number of JSON"),
    ("sums", '{"inputs": [[1, -Infinity, 1]]}', "-Infinity is not a number of JSON"),
    ("sums", '{"inputs": [[1, 1, 1e999]]}', "1e999 is not a number of JSON"),
    ("sums", [1, 2], "The form is wrong"),
    ("sums", {}, "The form is wrong"),
    ("sums", {"inputs": [], "instances": []}, "The form is wrong"),
    ("sums", {"inputs": [[1, 2, 3]], "row": 1}, "Unknown 'row'"),
    ("sums", {"inputs": [[1, 2, 3]], "signature_name": 5}, "`signature_name` must be a string"),
    ("sums", {"inputs": {"z": 1}}, "There is no input 'z': signature 'scale' with inputs factor"),
    ("sums", {"inputs": {"factor": 1}}, "Input 'x' is missing: signature 'scale'"),
    ("sums", {"inputs": [[1, 2], [3]]}, "received lists of unequal length"),
    ("sums", {"inputs": [[1, 2]]}, "Input x float32 [null, 3] does not take shape [1, 2]."),
    ("sums", {"inputs": [1, 2, 3]}, "does not take shape [3]; put it in a list."),
    ("sums", {"inputs": {"x": [[1, 2, 3]], "factor": [1]}}, "does not take shape [1]"),
    ("sums", {"inputs": [["a", "b", "c"]]}, "must be float32; received a string"),
    ("sums", {"inputs": [[True, False, True]]}, "must be float32; received a truth value"),
    ("sums", {"inputs": [[None, 1, 2]]}, "must be float32; received something else"),
    ("sums", {"inputs": [[1e39, 1, 2]]}, "received 1e+39, which is out of its range"),
    ("sums", {"inputs": [[2**70, 1, 2]]}, "out of its range"),
    ("sums", {"inputs": []}, "does not take shape [0]"),
    ("sums", {"instances": []}, "`instances` must be a list with a row at least"),
    ("sums", {"instances": {"x": 1}}, "`instances` must be a list"),
    ("sums", {"instances": [[1, 2, 3], {"x": [1, 2, 3]}]}, "must all be objects"),
    ("sums", {"instances": [{"x": [1, 2, 3]}, {}]}, "must all be objects with the same names"),
    ("sums", {"instances": [{"x": [1, 2, 3], "factor": 2}]}, 'use {"inputs": {...}}'),
    ("sums", {"instances": [[1, 2, 3]] * 65}, "must have 64 rows at most; received 65"),
    ("sums", {"inputs": [[13, 1, 1]]}, "The model refuses this input: 13 brings bad luck."),
    ("sums square", {"inputs": []}, "Input 'n' must have a row at least"),
    ("sums square", {"inputs": [1.5]}, "must be int32; received a number with a fraction"),
    ("sums square", {"inputs": [2**31]}, "received 2147483648, which is out of its range"),
    ("sums square", {"inputs": [2**63]}, "out of its range"),
    ("sums count", {"inputs": {"n": 2, "seed": 1, "negative": 1}}, "must be bool; received"),
    ("sums count", {"inputs": 2}, "Inputs need their names here"),
    ("sums count", {"instances": [{"n": 2}]}, "which `instances` cannot say"),
    ("lengths", {"inputs": "a"}, "Input text string [null] does not take shape []; put it in"),
    ("lengths", {"inputs": ["a", ["b"]]}, "received lists of unequal length"),
    ("lengths", {"inputs": ["a", 7]}, "must be string; received int 7"),
    ("lengths", {"inputs": [{"b64": "@"}]}, "a `b64` that is not base64"),
    ("lengths", {"inputs": [{"b64": 7}]}, "a `b64` that is not base64"),
    ("lengths", {"inputs": [{"b64": "YQ==", "more": 1}]}, "must be string; received dict"),
    ("lengths", '{"inputs": ["\\ud800"]}', "half of a surrogate pair"),
    ("lengths", {"inputs": ["a" * (2**20 + 1)]}, "1048576 bytes at most; received one of 1048577"),
    ("lengths", '{"inputs": %s}' % ("[" * 50 + '"a"' + "]" * 50), "nested too deep"),
]


@pytest.mark.parametrize(("model", "body", "sentence"), WRONG)
def test_what_is_wrong_is_said(post, model, body, sentence):
    name, _, signature = model.partition(" ")
    if signature:
        body = {**body, "signature_name": signature}
    assert sentence in post(f"/v1/models/{name}:predict", body, status=400)


def test_what_is_not_there_is_said(server, post):
    body = {"inputs": [[1, 2, 3]]}
    assert post("/v1/models/zebra:predict", body, 404) == (
        "The models are sums, lengths, letters; received 'zebra'."
    )
    assert "has version 1; received 5." in post(f"{SUMS}/versions/5:predict", body, 404)
    body["signature_name"] = "cube"
    assert "signatures count, inverse, scale" in post(f"{SUMS}:predict", body, 404)
    said = post(f"{SUMS}/versions/x:predict", body, 400)
    assert said == '`version` must be a valid integer; received "x".'
    for path in ("/v1/models/zebra", f"{SUMS}/versions/9", f"{SUMS}/versions/9/metadata", "/v2"):
        assert server.http.get(path).status_code == 404
    assert server.http.get("/v1/completions").status_code == 405


def test_a_classifier_is_asked_to_classify(post):
    wrong = post(f"{SUMS}:classify", {"examples": [{"x": [1, 2, 3]}]}, 400)
    assert wrong == "This model or signature does not classify: use `:predict`."
    classify = "/v1/models/lengths:classify"
    assert "examples" in post(classify, {"examples": []}, 400)
    assert "the same features" in post(classify, {"examples": [{"text": "a"}, {}]}, 400)
    assert "no feature 'words'" in post(classify, {"examples": [{"words": "a"}]}, 400)


def test_a_body_beyond_the_limit(post):
    body = b'{"inputs": "' + b"a" * 2**24 + b'"}'
    assert post(f"{SUMS}:predict", body, 413) == "A body has 16777216 bytes at most."
