"""Models of all families, exported and served: what the bare SavedModel says, the server says."""

import concurrent.futures
import json

import numpy as np
import openai
import pytest
import tensorflow as tf

import tfzoo
from tests.laws.bert_classifiers import CLASS_NAMES, text_classifier
from tests.laws.zoo import point_gan
from tests.serving.conftest import running

TEXTS = ["a bad cab", "", "fed", "face a dead", "b", "gab", "deaf bee"]


def gpt():
    """V 10, L 1, H 1, D 6: small, because XLA compiles it for each size of a batch."""
    tokenizer = tfzoo.preprocessing.ByteTokenizer(alphabet="abcdefg ")
    backbone = tfzoo.models.GPTBackbone(
        tokenizer.vocabulary_size, 1, 1, 6, max_sequence_length=37, dropout=0.0
    )
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(tokenizer, 11)
    return tfzoo.models.GPTCausalLM(backbone, preprocessor)


FAMILIES = {"gpt": gpt, "bert": text_classifier, "gan": point_gan}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("families")
    for name, build in FAMILIES.items():
        model = build()
        # Weights large enough to tell texts apart.
        model.set_weights([5 * w if w.ndim > 1 else w for w in model.get_weights()])
        if name == "gpt":  # without requests to warm up, each of which XLA would compile for
            tfzoo.export(model, folder / "gpt/1")
        else:
            tfzoo.export_bundle(model, folder / name)
    return folder


@pytest.fixture(scope="module")
def families(folder):
    with running(*(folder / name for name in FAMILIES)) as server:
        yield server


@pytest.fixture(scope="module")
def bare(folder):
    """Signatures of the SavedModels, called without a server."""
    loaded = {name: tf.saved_model.load(str(folder / name / "1")) for name in FAMILIES}

    def call(name, signature, **inputs):
        specs = loaded[name].signatures[signature].structured_input_signature[1]
        tensors = {key: tf.constant(value, specs[key].dtype) for key, value in inputs.items()}
        outputs = loaded[name].signatures[signature](**tensors)
        return {key: value.numpy() for key, value in outputs.items()}

    yield call


def predict(server, name, signature, inputs):
    body = json.dumps({"signature_name": signature, "inputs": inputs})
    response = server.http.post(f"/v1/models/{name}:predict", content=body)
    assert response.status_code == 200, response.text
    return response.json()["outputs"]


def generated(bare, texts, count, temperature=0.0, top_k=0, top_p=1.0, seed=0):
    settings = dict(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    outputs = bare("gpt", "generate", text=texts, max_new_tokens=count, **settings)
    return [text.decode() for text in outputs["text"]]


def test_texts_are_written(families, bare):
    drawn = dict(temperature=0.8, top_k=5, top_p=0.9, seed=3)
    inputs = {"text": TEXTS, "max_new_tokens": 5, **drawn}
    expected = generated(bare, TEXTS, 5, **drawn)
    assert predict(families, "gpt", "generate", inputs)["text"] == expected


def test_requests_at_the_same_time_do_not_mix(families, bare):
    expected = dict(zip(TEXTS, generated(bare, TEXTS, 5), strict=True))

    def write(text):
        return predict(families, "gpt", "generate", {"text": [text], "max_new_tokens": 5})["text"]

    def classify(text):
        return predict(families, "bert", "classify", {"text": [text]})["probabilities"]

    calls, rows = "tfzoo_batch_rows_count", "tfzoo_batch_rows_sum"
    before = families.metric(calls), families.metric(rows)
    with concurrent.futures.ThreadPoolExecutor(14) as threads:
        written = list(threads.map(write, TEXTS * 4))
        classes = list(threads.map(classify, TEXTS * 4))
    assert written == [[expected[text]] for text in TEXTS * 4]
    alone = bare("bert", "classify", text=TEXTS)["probabilities"]
    np.testing.assert_allclose(np.squeeze(classes, 1), np.tile(alone, [4, 1]), atol=1e-6)
    assert np.ptp(alone, axis=0).max() > 0.01
    # Fewer calls than rows: some were computed together.
    assert families.metric(rows) == before[1] + 56 > families.metric(calls) - before[0] + 7


def test_texts_are_classified(families, bare):
    body = {"examples": [{"text": text} for text in TEXTS]}
    answer = families.http.post("/v1/models/bert:classify", json=body).json()["result"]
    assert [[name for name, _ in row] for row in answer] == [CLASS_NAMES] * len(TEXTS)
    probabilities = [[p for _, p in row] for row in answer]
    np.testing.assert_allclose(
        probabilities, bare("bert", "classify", text=TEXTS)["probabilities"], atol=1e-6
    )


def test_images_are_drawn(families, bare):
    inputs = {"n": 3, "seed": 9}
    samples = predict(families, "gan", "generate", inputs)
    np.testing.assert_allclose(samples, bare("gan", "generate", **inputs)["samples"], atol=1e-6)


def test_a_completion_of_a_model_is_what_it_writes(families, bare):
    with openai.OpenAI(base_url=f"{families.address}/v1", api_key="unused") as client:
        (expected,) = generated(bare, ["face"], 5)
        answer = client.completions.create(model="gpt", prompt="face", max_tokens=5, temperature=0)
        assert "face" + answer.choices[0].text == expected
        # The model reads a start token before the text.
        assert answer.usage.prompt_tokens == 5
        drawn = dict(temperature=0.8, top_p=0.9, seed=3)
        (expected,) = generated(bare, ["face"], 5, **drawn)
        stream = client.completions.create(
            model="gpt", prompt="face", max_tokens=5, stream=True, **drawn
        )
        pieces = [choice.text for chunk in stream for choice in chunk.choices]
        assert "face" + "".join(pieces) == expected
        assert len([piece for piece in pieces if piece]) > 1
        with pytest.raises(openai.BadRequestError, match="must have at most 37 tokens"):
            client.completions.create(model="gpt", prompt="a" * 30, max_tokens=9)
