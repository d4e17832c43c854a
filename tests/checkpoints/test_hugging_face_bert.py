"""BERTs of Hugging Face compute here what they computed there, and go back unchanged."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from tfzoo.checkpoints import hugging_face_bert, read_tensors, write_tensors
from tfzoo.models import BertBackbone, BertMaskedLM, preset
from tfzoo.preprocessing import WordPieceTokenizer
from tfzoo.preprocessing.word_piece_files import SPECIAL_TOKENS

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
WITH_HEADS = ["bert_pretraining_sharded", "bert_masked_lm_bfloat16"]
ATOL = 1e-5


def expected_and_inputs(folder):
    expected = {
        n: np.array(v) for n, v in json.loads((folder / "expected.json").read_text()).items()
    }
    return expected, {
        "token_ids": expected["input_ids"],
        "segment_ids": expected["token_type_ids"],
        "padding_mask": expected["attention_mask"] > 0,
    }


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL)


@pytest.fixture
def plain(tmp_path):
    return pathlib.Path(shutil.copytree(GOLDEN / "bert_plain", tmp_path / "plain"))


def test_vectors_of_a_network_alone():
    expected, inputs = expected_and_inputs(GOLDEN / "bert_plain")
    outputs = BertBackbone.from_preset(GOLDEN / "bert_plain")(inputs)
    assert_close(outputs["sequence_output"], expected["last_hidden_state"])
    assert_close(outputs["pooled_output"], expected["pooler_output"])


def test_logits_of_pretraining():
    expected, inputs = expected_and_inputs(GOLDEN / WITH_HEADS[0])
    task = BertMaskedLM.from_preset(GOLDEN / WITH_HEADS[0])
    outputs = task(inputs)
    assert_close(outputs["mask_ids"], expected["prediction_logits"])
    assert_close(outputs["next_sentence"], expected["seq_relationship_logits"])


def test_logits_without_a_pooler_in_half_precision():
    expected, inputs = expected_and_inputs(GOLDEN / WITH_HEADS[1])
    task = BertMaskedLM.from_preset(GOLDEN / WITH_HEADS[1])
    assert not task.backbone.use_pooler
    assert_close(task(inputs), expected["logits"])


def test_every_choice_of_the_config_is_read(plain):
    change(plain, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.2)
    backbone = BertBackbone.from_preset(plain)
    assert backbone.blocks[0].attention.dropout.rate == 0.2
    assert backbone.dropout.rate == backbone.blocks[0].dropout.rate == 0.3
    assert backbone.blocks[0].feed_forward_norm.epsilon == backbone.embedding_norm.epsilon == 0.1
    relu = BertBackbone.from_preset(GOLDEN / WITH_HEADS[0])
    assert relu.activation.__name__ == "relu" and relu.num_segments == 3
    assert BertBackbone.from_preset(plain, dropout=0.0).dropout.rate == 0


@pytest.mark.parametrize("name", WITH_HEADS)
def test_back_to_hugging_face(name, tmp_path):
    before = BertMaskedLM.from_preset(GOLDEN / name)
    before.save_to_hugging_face(tmp_path / "back")
    theirs, ours = read_tensors(GOLDEN / name), read_tensors(tmp_path / "back")
    for tensor, array in ours.items():
        np.testing.assert_array_equal(np.asarray(array), np.asarray(theirs[tensor]), tensor)
    assert theirs.keys() - ours.keys() <= set(hugging_face_bert.REPEATED)
    config = json.loads((GOLDEN / name / "config.json").read_text())
    written = json.loads((tmp_path / "back" / "config.json").read_text())
    for key in written.keys() & config.keys() - {"dtype"}:
        assert written[key] == config[key], key


def test_a_tokenizer_goes_along(tmp_path):
    vocabulary = [*SPECIAL_TOKENS, *(f"w{n}" for n in range(30))]
    shutil.copytree(GOLDEN / WITH_HEADS[0], tmp_path / "model")
    WordPieceTokenizer(vocabulary).save(tmp_path / "model")
    task = BertMaskedLM.from_preset(tmp_path / "model")
    assert task.preprocessor.sequence_length == 13
    filled = task.fill_mask("w3 [MASK] w7")
    task.save_to_hugging_face(tmp_path / "theirs")
    task.save_to_preset(tmp_path / "ours")
    for name in ("theirs", "ours"):
        again = BertMaskedLM.from_preset(tmp_path / name)
        assert again.next_sentence
        assert [one.token for one in again.fill_mask("w3 [MASK] w7")] == [f.token for f in filled]


def test_heads_of_other_tasks_are_left_out(plain):
    tensors = {n: np.asarray(t) for n, t in read_tensors(plain).items() if "position_ids" not in n}
    write_tensors(plain, tensors | {"classifier.weight": np.ones((2, 14), "float32")})
    expected, inputs = expected_and_inputs(plain)
    outputs = BertBackbone.from_preset(plain)(inputs)
    assert_close(outputs["sequence_output"], expected["last_hidden_state"])


def test_missing_and_unknown_tensors_are_named(plain):
    tensors = {n: np.asarray(t) for n, t in read_tensors(plain).items() if "position_ids" not in n}
    write_tensors(plain, tensors | {"encoder.extra": np.ones(3, "float32")})
    with pytest.raises(ValueError, match="has 1 tensors more.*'encoder.extra'"):
        BertBackbone.from_preset(plain)
    del tensors["encoder.layer.0.attention.self.key.bias"]
    write_tensors(plain, tensors)
    with pytest.raises(ValueError, match="lacks 1 of.*'bert.encoder.layer.0.attention.self.key.bi"):
        BertBackbone.from_preset(plain)


def test_a_shape_that_does_not_fit_is_named(plain):
    change(plain, intermediate_size=8)
    with pytest.raises(ValueError, match="'block_0/feed_forward/expand/.*must have shape"):
        BertBackbone.from_preset(plain)


def change(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"position_embedding_type": "relative_key"}, "has position_embedding_type 'relative_key'"),
        ({"is_decoder": True}, "has is_decoder True, which BertBackbone does not compute"),
        ({"hidden_act": "quick_gelu"}, "must have an hidden_act among .*'quick_gelu'"),
        ({"num_hidden_layers": "two"}, "must have num_hidden_layers, an integer.*'two'"),
        ({"layer_norm_eps": None}, "must have layer_norm_eps, a number; received None"),
    ],
)
def test_networks_that_are_no_bert_are_refused(plain, changes, sentence):
    change(plain, **changes)
    with pytest.raises(ValueError, match=f"config.json {sentence}"):
        BertBackbone.from_preset(plain)


def test_a_head_that_is_not_tied_is_refused(tmp_path):
    folder = pathlib.Path(shutil.copytree(GOLDEN / WITH_HEADS[1], tmp_path / "model"))
    tensors = {name: np.asarray(tensor) for name, tensor in read_tensors(folder).items()}
    write_tensors(
        folder, tensors | {"cls.predictions.decoder.weight": np.ones((53, 11), "float32")}
    )
    with pytest.raises(ValueError, match="decoder.weight' .*must equal the embeddings"):
        BertMaskedLM.from_preset(folder)


def test_only_known_backbones_go_to_hugging_face(tmp_path):
    class Other(BertBackbone):
        pass

    with pytest.raises(ValueError, match="one of the backbones tfzoo>GPTBackbone, tfzoo>BertB"):
        preset.save_hugging_face(Other(7, 1, 1, 4), tmp_path / "model")
    assert not (tmp_path / "model").exists()
