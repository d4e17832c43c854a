"""OpenAI's completions, by the official client and by hand."""

import json

import openai
import pytest

from tests.serving import bundles
from tests.serving.bundles import ALPHABET, continuation
from tests.serving.conftest import running


@pytest.fixture(scope="module")
def client(server):
    address = f"{server.address}/v1"
    with openai.OpenAI(base_url=address, api_key="unused", max_retries=0) as client:
        yield client


def create(client, prompt="ab", **settings):
    return client.completions.create(model="letters", prompt=prompt, **settings)


def usage(answer):
    used = answer.usage
    return used.prompt_tokens, used.completion_tokens, used.total_tokens


def test_models(client):
    assert [model.id for model in client.models.list()] == ["sums", "lengths", "letters"]
    assert client.models.retrieve("letters").id == "letters"


def test_a_completion(client):
    answer = create(client, max_tokens=3)
    (choice,) = answer.choices
    assert choice.text == " bc" == continuation("ab", 3)
    assert choice.finish_reason == "length"
    assert usage(answer) == (2, 3, 5)
    assert answer.object == "text_completion" and answer.model == "letters"
    # The end comes before the limit.
    (choice,) = create(client, max_tokens=30).choices
    assert choice.text == " bc→d" and choice.finish_reason == "stop"
    answer = create(client, "→", max_tokens=2)
    assert (answer.choices[0].finish_reason, usage(answer)) == ("length", (1, 2, 3))


def test_what_a_bundle_does_not_count_is_not_guessed(tmp_path):
    bundles.save(bundles.PlainWriter(), tmp_path / "plain/1", ["generate", "score"])
    with running(tmp_path / "plain") as server:
        body = {"model": "plain", "prompt": "ab", "max_tokens": 3}
        answer = server.http.post("/v1/completions", json=body).json()
        stopped = server.http.post("/v1/completions", json={**body, "stop": "c"}).json()
    assert answer["usage"] is stopped["usage"] is None
    assert (answer["choices"][0]["text"], answer["choices"][0]["finish_reason"]) == (" bc", None)
    assert stopped["choices"][0]["finish_reason"] == "stop"


def test_several_prompts_and_choices(client):
    answer = create(client, ["é", "abcd"], n=2, max_tokens=2, echo=True, seed=3)
    texts = [choice.text for choice in sorted(answer.choices, key=lambda one: one.index)]
    one, four = "é" + continuation("é", 2), "abcd" + continuation("abcd", 2)
    assert texts == [one, one, four, four]
    assert usage(answer) == (5, 8, 13)  # each prompt counts once, each choice too


def test_it_ends_before_what_stops_it(client):
    (choice,) = create(client, "a", stop=["→", "bc"], max_tokens=9).choices
    assert (choice.text, choice.finish_reason) == ("é ", "stop")
    (choice,) = create(client, "a", stop="x", max_tokens=2).choices
    assert (choice.text, choice.finish_reason) == ("é ", "length")


def streamed(client, prompt="ab", **settings):
    chunks = list(create(client, prompt, stream=True, **settings))
    assert len({chunk.id for chunk in chunks}) == 1
    return chunks


def text_of(chunks, index=0):
    pieces = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(piece.text for piece in pieces), pieces[-1].finish_reason


def test_a_stream(client):
    chunks = streamed(client, max_tokens=5)
    # The bundle writes one token at first, then two at a time.
    texts = [choice.text for chunk in chunks for choice in chunk.choices]
    assert texts == [" ", "bc", "→d", ""]
    assert text_of(chunks)[1] == "length"
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_with_all_the_settings(client):
    chunks = streamed(
        client,
        ["é", ""],
        max_tokens=9,
        echo=True,
        n=2,
        stop="→",
        stream_options={"include_usage": True},
    )
    for index, text in enumerate(["éé bc", "éé bc", "aé bc", "aé bc"]):
        assert text_of(chunks, index) == (text, "stop")
    # What was written behind the stop string was written: 6 tokens before the loop ends, and 7.
    assert usage(chunks[-1]) == (1, 6 + 6 + 7 + 7, 27)


@pytest.mark.parametrize("stop", ["bc→", "c→d!", " ", "d"])
def test_a_stream_stops_where_the_whole_text_does(client, stop):
    (choice,) = create(client, max_tokens=9, stop=stop).choices
    assert text_of(streamed(client, max_tokens=9, stop=stop)) == (
        choice.text,
        choice.finish_reason,
    )


WRONG = [
    (dict(model="zebra"), 404, "received 'zebra'"),
    (dict(model="sums"), 400, "This model does not write texts"),
    (dict(prompt=None), 400, "`prompt` must be a string or a list of strings; received null."),
    (dict(prompt=[1, 2]), 400, "`prompt` must be a string or a list of strings; received [1, 2]."),
    (dict(prompt=[]), 400, "`prompt` must have a row at least"),
    (dict(max_tokens=0), 400, "`max_tokens` must be greater than or equal to 1; received 0."),
    (dict(max_tokens="3"), 400, '`max_tokens` must be a valid integer; received "3".'),
    (dict(temperature=True), 400, "`temperature` must be a valid number; received true."),
    (dict(seed=True), 400, "`seed` must be a valid integer; received true."),
    (dict(echo="no"), 400, '`echo` must be a valid boolean; received "no".'),
    (dict(max_tokens=2000), 400, "`max_tokens` must be at most 1024; received 2000."),
    (dict(max_tokens=51), 400, "There is room for 50 tokens."),
    (dict(temperature=-1), 400, "`temperature` must be greater than or equal to 0; received -1."),
    (dict(top_p=0), 400, "`top_p` must be greater than 0; received 0."),
    (dict(n=65), 400, "`prompt` must have 64 rows at most; received 65"),
    (dict(logprobs=2), 400, "`logprobs` is not offered here: leave it out; received 2."),
    (dict(best_of=2), 400, "`best_of` must be 1; received 2."),
    (dict(logit_bias={"3": 1}), 400, "`logit_bias` is not offered here: leave it out"),
    (dict(presence_penalty=1), 400, "`presence_penalty` must be 0; received 1."),
    (dict(stop=["a"] * 5), 400, "`stop` must have at most 4 items"),
    (dict(colour="red"), 400, "`colour` is not known here: leave it out."),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("wrong", "status", "sentence"), WRONG)
def test_what_is_wrong_is_said(server, stream, wrong, status, sentence):
    body = {"model": "letters", "prompt": "a", "stream": stream, **wrong}
    response = server.http.post("/v1/completions", content=json.dumps(body))
    assert response.status_code == status
    assert response.json().keys() == {"error"}
    error = response.json()["error"]
    assert sentence in error["message"] or (stream and "piece by piece" in error["message"])
    (name,) = wrong
    params = {"n": "prompt", "colour": None}
    if wrong == {"model": "sums"}:
        params["model"] = "stream" if stream else None
    elif "room" not in sentence:  # a model that says which setting, says its name
        params = {name: name, **params}
    assert error["param"] == params.get(name)


def test_a_missing_name_is_said(server):
    answer = server.http.post("/v1/completions", json={"prompt": "a" * 500})
    assert answer.json()["error"] == {
        "message": "`model` is missing.",
        "type": "invalid_request_error",
        "param": "model",
        "code": None,
    }
    answer = server.http.post("/v1/completions", json=[1])
    assert answer.json()["error"]["message"] == "The body must be an object of JSON."


def test_the_client_understands_an_error(client):
    with pytest.raises(openai.BadRequestError, match="There is room for 50 tokens."):
        create(client, max_tokens=51)


def test_what_a_model_writes_is_all_of_it(client):
    assert "".join(text_of(streamed(client, "", max_tokens=50))[:1]) == ALPHABET
