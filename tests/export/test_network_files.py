"""LiteRT and ONNX files compute what the live model computes, or do not appear."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import tfzoo
from tfzoo.export import litert, onnx
from tfzoo.export.small_weights import large, small
from tfzoo.models import (
    GAN,
    BertBackbone,
    BertMaskedLM,
    BertQuestionAnswerer,
    BertTextClassifier,
    BertTextEmbedder,
    BertTokenClassifier,
    DCGANDiscriminator,
    DCGANGenerator,
    MLPDiscriminator,
    MLPGenerator,
    ResidualDiscriminator,
    ResidualGenerator,
)
from tfzoo.preprocessing import (
    SlidingWindows,
    TextClassifierPreprocessor,
    WordPieceTokenizer,
)

EXPORTS = {"litert": tfzoo.export_litert, "onnx": tfzoo.export_onnx}
LIMIT = 13
TOKENS = "[PAD] [UNK] [CLS] [SEP] [MASK] a b c d ##e ##f".split()
CLASS_NAMES = ["good", "bad", "odd"]


def backbone(hidden_dim=14, **arguments):
    """V 11, L 1, H 2."""
    return BertBackbone(
        len(TOKENS), 1, 2, hidden_dim, max_sequence_length=LIMIT, dropout=0.1, **arguments
    )


def lora_backbone():
    network = backbone()
    network.enable_lora(rank=3)
    return network


def text_classifier(**arguments):
    preprocessor = TextClassifierPreprocessor(WordPieceTokenizer(TOKENS), LIMIT)
    return BertTextClassifier(backbone(**arguments), preprocessor, CLASS_NAMES)


ENCODERS = {
    "text_classifier": text_classifier,
    "token_classifier_with_lora": lambda: BertTokenClassifier(lora_backbone(), None, ["who"]),
    "question_answerer": lambda: BertQuestionAnswerer(backbone()),
    "text_embedder": lambda: BertTextEmbedder(backbone()),
    "masked_lm_and_next_sentence": lambda: BertMaskedLM(backbone(), next_sentence=True),
    "text_classifier_cls": lambda: BertTextClassifier(
        backbone(activation="relu"), None, CLASS_NAMES, pooling="cls"
    ),
    "text_embedder_of_windows": lambda: BertTextEmbedder(
        backbone(), long_documents=SlidingWindows(11, 5)
    ),
}
# The heads in both formats, further choices in one.
ENCODER_CASES = [
    *(("onnx", name) for name in ENCODERS),
    *(("litert", name) for name in list(ENCODERS)[:5]),
]


def mlp(shape=(2,), num_classes=None, dtype="float32"):
    form = dict(num_classes=num_classes, dtype=dtype)
    networks = MLPGenerator(shape, (11, 13), **form), MLPDiscriminator((13, 11), **form)
    return GAN(*networks, latent_dim=5, num_classes=num_classes, seed=2)


def dcgan(shape, num_classes=None):
    networks = DCGANGenerator(shape, 5, num_classes), DCGANDiscriminator(shape, 3, num_classes)
    return GAN(*networks, latent_dim=5, num_classes=num_classes, seed=2)


def residual(num_classes=None):
    form = dict(
        image_shape=(8, 8, 3),
        widths=(16, 8),
        blocks_per_stage=1,
        group_size=8,
        num_classes=num_classes,
    )
    networks = ResidualGenerator(**form), ResidualDiscriminator(**form)
    return GAN(*networks, latent_dim=5, num_classes=num_classes, seed=2)


GENERATORS = {
    "dcgan_with_classes": lambda: dcgan((28, 28, 1), 7),
    "mlp": mlp,
    "residual": residual,
    "dcgan": lambda: dcgan((8, 8, 3)),
    "mlp_with_classes": lambda: mlp((4, 3, 1), 7),
    "residual_with_classes": lambda: residual(7),
}
GENERATOR_CASES = [
    *(("onnx", name) for name in GENERATORS),
    *(("litert", name) for name in list(GENERATORS)[:3]),
]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def shaken(model, rng, size=0.2):
    """The model, with no weight where it started."""
    for variable in model.variables:
        if "float" in variable.dtype:
            variable.assign(variable + rng.uniform(0, size, variable.shape))
    return model


def rows(rng, size, length):
    real = np.arange(length) < rng.integers(2, length + 1, size)[:, None]
    return {
        "token_ids": (rng.integers(0, len(TOKENS), real.shape) * real).astype("int32"),
        "segment_ids": (rng.integers(0, 2, real.shape) * real).astype("int32"),
        "padding_mask": real,
    }


def run(path, inputs):
    """What the runtime of a file makes of inputs."""
    if path.suffix == ".tflite":
        return Interpreter(str(path)).get_signature_runner()(**inputs)
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


@pytest.mark.parametrize(("form", "name"), ENCODER_CASES)
def test_an_encoder_is_the_live_one(form, name, rng, tmp_path):
    model = shaken(ENCODERS[name](), rng)
    path = EXPORTS[form](model, tmp_path / "file")
    for size, length in [(3, 7), (1, 11), (2, 2)]:
        inputs = rows(rng, size, length)
        if name.endswith("windows"):  # of which each is one segment
            inputs["segment_ids"] *= 0
        live = model(inputs)
        live = live["mask_ids"] if isinstance(live, dict) else live
        ((key, found),) = run(path, inputs).items()
        assert key == ("vector" if "embedder" in name else "logits")
        np.testing.assert_allclose(found, live, rtol=0, atol=1e-4 * max(1, np.abs(live).max()))
        assert np.ptp(found, axis=-1).min() > 1e-2


@pytest.mark.parametrize(("form", "name"), GENERATOR_CASES)
def test_a_generator_is_the_average_one(form, name, rng, tmp_path):
    model = GENERATORS[name]()
    model.compile()
    shaken(model, rng)
    path = EXPORTS[form](model, tmp_path / "file")
    for size in (4, 1):
        inputs = {"latents": rng.normal(size=(size, 5)).astype("float32")}
        labels = rng.integers(0, 7, size).astype("int32")
        inputs |= {"labels": labels} if model.num_classes else {}
        both = model.inputs_of(inputs["latents"], labels)
        live, latest = model.predict(both, verbose=0), model.generator(both).numpy()
        found = run(path, inputs)["samples"]
        largest = max(1, np.abs(live).max())
        np.testing.assert_allclose(found, live, rtol=0, atol=1e-4 * largest)
        assert np.abs(found - latest).max() > 1e-2 * largest


# Setting a module to None makes every import of it fail.
ALONE = """
import json, sys
import numpy as np
for name in ("tensorflow", "keras", "tfzoo"):
    sys.modules[name] = None
from tokenizers import Tokenizer
folder, texts = sys.argv[1], json.loads(sys.argv[2])
about = json.load(open(folder + "/tfzoo.json"))
tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
tokenizer.enable_padding()
rows = tokenizer.encode_batch(texts)
inputs = {
    "token_ids": np.array([row.ids for row in rows], "int32"),
    "segment_ids": np.array([row.type_ids for row in rows], "int32"),
    "padding_mask": np.array([row.attention_mask for row in rows], bool),
}
path = folder + "/" + about["file"]
if path.endswith("tflite"):
    from ai_edge_litert.interpreter import Interpreter
    logits = Interpreter(path).get_signature_runner()(**inputs)["logits"]
else:
    import onnxruntime
    logits = onnxruntime.InferenceSession(path).run(["logits"], inputs)[0]
print(json.dumps([dict(zip(about["class_names"], map(float, row))) for row in logits]))
"""


@pytest.mark.parametrize("form", EXPORTS)
def test_a_process_without_tensorflow_reads_texts(form, rng, tmp_path):
    model = shaken(text_classifier(), rng)
    folder = EXPORTS[form](model, tmp_path / "file").parent
    texts = ["a be c", "d", "bee cafe d a"]
    process = subprocess.run(
        [sys.executable, "-c", ALONE, str(folder), json.dumps(texts)],
        capture_output=True,
        text=True,
        check=True,
    )
    for found, live in zip(json.loads(process.stdout), model.classify(texts), strict=True):
        total = np.logaddexp.reduce(list(found.values()))
        for name, probability in live:
            assert abs(np.exp(found[name] - total) - probability) < 1e-5


def test_what_goes_in_and_out_is_said(tmp_path):
    model = BertTokenClassifier(backbone(), None, ["who"])
    path = tfzoo.export_litert(model, tmp_path / "file", sequence_length=7)
    assert path == tmp_path / "file" / "model.tflite"
    about = json.loads((tmp_path / "file" / "tfzoo.json").read_text())
    assert about["model"] == "BertTokenClassifier" and about["file"] == "model.tflite"
    assert {name: (x["dtype"], x["shape"]) for name, x in about["inputs"].items()} == {
        "token_ids": ("int32", [None, 7]),
        "segment_ids": ("int32", [None, 7]),
        "padding_mask": ("bool", [None, 7]),
    }
    assert about["outputs"] == {"logits": {"dtype": "float32", "shape": [None, 7, 3]}}
    assert about["class_names"] == ["O", "B-who", "I-who"]
    assert about["limits"] == {"max_sequence_length": LIMIT}
    assert about["versions"]["ai-edge-litert"]
    assert sorted(os.listdir(path.parent)) == ["model.tflite", "tfzoo.json"]
    assert {
        tuple(spec["shape_signature"]) for spec in Interpreter(str(path)).get_input_details()
    } == {(-1, 7)}


@pytest.mark.parametrize(("form", "make"), [("onnx", text_classifier), ("litert", mlp)])
def test_half_precision_becomes_whole(form, make, tmp_path):
    """The weights are float32 all the time; a file computes in float32 with them."""
    keras.utils.set_random_seed(3)
    exact = make()
    keras.utils.set_random_seed(3)
    model = make(dtype="mixed_bfloat16")
    rng = np.random.default_rng(5)
    for one in (exact, model):
        shaken(one, np.random.default_rng(1))
    path = EXPORTS[form](model, tmp_path / "file")
    is_gan = isinstance(model, GAN)
    inputs = {"latents": rng.normal(size=(3, 5)).astype("float32")} if is_gan else rows(rng, 3, 7)
    (found,) = run(path, inputs).values()
    x = inputs["latents"] if is_gan else inputs
    np.testing.assert_allclose(found, exact(x), rtol=0, atol=1e-4)
    assert np.abs(model(x) - found).max() > 1e-4


def test_weights_of_litert_are_smaller_and_near(rng, tmp_path):
    model = shaken(text_classifier(hidden_dim=64), rng, 0.05)
    paths = {
        kind: tfzoo.export_litert(model, tmp_path / str(kind), weights=kind)
        for kind in (None, "float16", "int8")
    }
    sizes = {kind: path.stat().st_size for kind, path in paths.items()}
    assert sizes["float16"] < 0.65 * sizes[None] and sizes["int8"] < 0.45 * sizes[None]
    inputs = rows(rng, 5, 11)
    live = model(inputs).numpy()
    found = {kind: run(path, inputs)["logits"] for kind, path in paths.items()}
    largest = max(1, np.abs(live).max())
    assert 1e-4 < np.abs(found["int8"] - live).max() < 0.1 * largest
    for variable in model.weights:
        if "float" in variable.dtype:
            variable.assign(large(small(variable.numpy(), "float16"), variable.dtype))
    np.testing.assert_allclose(found["float16"], model(inputs), rtol=0, atol=2e-5 * largest)
    assert np.abs(found["float16"] - live).max() > 1e-5


@pytest.mark.parametrize("form", EXPORTS)
def test_a_gpt_is_refused(form, tmp_path):
    network = tfzoo.models.GPTBackbone(5, 1, 2, 14)
    for model, name in (tfzoo.models.GPTCausalLM(network), "GPTCausalLM"), (network, "GPTBackbone"):
        with pytest.raises(ValueError, match=f"`task` must be a task of BERT .* a {name}, whose"):
            EXPORTS[form](model, tmp_path / "file")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("form", "package"), [("litert", "ai-edge-litert"), ("onnx", "tf2onnx")])
def test_missing_packages_are_named(form, package, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=rf"needs {package}.*: run `pip install 'tfzoo\[convert\]'"
    ):
        EXPORTS[form](mlp(), tmp_path / "file")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("form", EXPORTS)
def test_an_existing_folder_stays(form, tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(FileExistsError, match="`folder` must not exist yet"):
        EXPORTS[form](mlp(), tmp_path)
    assert os.listdir(tmp_path) == ["thesis.txt"]


@pytest.mark.parametrize(("form", "module"), [("litert", litert), ("onnx", onnx)])
def test_a_file_that_says_something_else_does_not_appear(form, module, tmp_path, monkeypatch):
    load, model = module._load, mlp()

    def shift(error):
        def shifted(path):
            run = load(path)
            return lambda inputs: {key: x + error for key, x in run(inputs).items()}

        monkeypatch.setattr(module, "_load", shifted)

    for error, said in (np.nan, "nan%"), (3e-4, "0.03%"), (-np.inf, "inf%"):
        shift(error)
        with pytest.raises(ValueError, match=f"within 0.01%; the error of its samples is {said}"):
            EXPORTS[form](model, tmp_path / "file")
        assert os.listdir(tmp_path) == []
    shift(5e-5)
    EXPORTS[form](model, tmp_path / "file")


def test_weights_that_float16_cannot_hold_are_refused(tmp_path):
    model = mlp((5, 7, 11))
    model.generator.weights[0].assign(tf.fill([5, 11], 1e5))
    model.generator.weights[-2].assign(model.generator.weights[-2] * 1e-6)
    with pytest.raises(
        ValueError, match="model.tflite must say .* within 1.00%; .*leave `weights`"
    ):
        tfzoo.export_litert(model, tmp_path / "file", weights="float16")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("litert", "'tf.BesselI0e' op is neither a custom op nor a flex op"),
        ("onnx", "No Op registered for BesselI0e"),
    ],
)
def test_an_unknown_operation_is_said(form, said, tmp_path):
    generator = keras.Sequential([keras.layers.Dense(2), keras.layers.Lambda(tf.math.bessel_i0e)])
    model = GAN(generator, MLPDiscriminator((3,)), latent_dim=5)
    with pytest.raises(ValueError, match=rf"`task` must consist of .* Its tools say: {said}\.$"):
        EXPORTS[form](model, tmp_path / "file")
    assert os.listdir(tmp_path) == []


def test_bad_choices_are_refused(tmp_path):
    place = tmp_path / "file"
    for length in (0, LIMIT + 1, True, "7"):
        with pytest.raises(ValueError, match="`sequence_length` must be an int from 1 to 13"):
            tfzoo.export_onnx(text_classifier(), place, sequence_length=length)
    with pytest.raises(ValueError, match="`sequence_length` must be left out for a GAN"):
        tfzoo.export_onnx(mlp(), place, sequence_length=7)
    with pytest.raises(ValueError, match="`weights` must be None, 'float16' or 'int8'; received 4"):
        tfzoo.export_litert(mlp(), place, weights=4)
    assert os.listdir(tmp_path) == []
