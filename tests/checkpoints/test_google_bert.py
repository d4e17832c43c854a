"""The authors' checkpoints: the same numbers under their names compute the same."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tfzoo.checkpoints import read_tensors
from tfzoo.models import BertBackbone, BertMaskedLM
from tfzoo.preprocessing.word_piece_files import SPECIAL_TOKENS

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "bert_pretraining_sharded"
# As run_pretraining.py of google-research/bert creates them, and where Hugging Face keeps them.
OUTER = {
    "bert/embeddings/word_embeddings": "bert.embeddings.word_embeddings.weight",
    "bert/embeddings/position_embeddings": "bert.embeddings.position_embeddings.weight",
    "bert/embeddings/token_type_embeddings": "bert.embeddings.token_type_embeddings.weight",
    "bert/embeddings/LayerNorm/gamma": "bert.embeddings.LayerNorm.weight",
    "bert/embeddings/LayerNorm/beta": "bert.embeddings.LayerNorm.bias",
    "bert/pooler/dense/kernel": "bert.pooler.dense.weight",
    "bert/pooler/dense/bias": "bert.pooler.dense.bias",
    "cls/predictions/transform/dense/kernel": "cls.predictions.transform.dense.weight",
    "cls/predictions/transform/dense/bias": "cls.predictions.transform.dense.bias",
    "cls/predictions/transform/LayerNorm/gamma": "cls.predictions.transform.LayerNorm.weight",
    "cls/predictions/transform/LayerNorm/beta": "cls.predictions.transform.LayerNorm.bias",
    "cls/predictions/output_bias": "cls.predictions.bias",
    "cls/seq_relationship/output_weights": "cls.seq_relationship.weight",
    "cls/seq_relationship/output_bias": "cls.seq_relationship.bias",
}
DENSE = ["attention/self/query", "attention/self/key", "attention/self/value"]
DENSE += ["attention/output/dense", "intermediate/dense", "output/dense"]


def names():
    yield from OUTER.items()
    for number in (0, 1):
        layer, theirs = f"bert/encoder/layer_{number}/", f"bert.encoder.layer.{number}."
        for part in DENSE:
            yield f"{layer}{part}/kernel", f"{theirs}{part.replace('/', '.')}.weight"
            yield f"{layer}{part}/bias", f"{theirs}{part.replace('/', '.')}.bias"
        for part in ("attention/output", "output"):
            norm = f"{theirs}{part.replace('/', '.')}.LayerNorm"
            yield f"{layer}{part}/LayerNorm/gamma", f"{norm}.weight"
            yield f"{layer}{part}/LayerNorm/beta", f"{norm}.bias"


@pytest.fixture
def folder(tmp_path):
    tensors = read_tensors(GOLDEN)
    arrays = {}
    for google, theirs in names():
        array = np.asarray(tensors[theirs])
        arrays[google] = array.T if google.endswith("/kernel") else array
        arrays[f"{google}/adam_m"] = arrays[google]
    arrays["global_step"] = np.array(7, "int64")
    save(tmp_path, arrays)
    shutil.copy(GOLDEN / "config.json", tmp_path / "bert_config.json")
    return tmp_path


def save(folder, arrays):
    tf.raw_ops.SaveV2(
        prefix=str(folder / "bert_model.ckpt"),
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=[tf.constant(array) for array in arrays.values()],
    )


def test_logits_of_pretraining(folder):
    expected = json.loads((GOLDEN / "expected.json").read_text())
    task = BertMaskedLM.from_preset(folder)
    outputs = task(
        {
            "token_ids": np.array(expected["input_ids"]),
            "segment_ids": np.array(expected["token_type_ids"]),
            "padding_mask": np.array(expected["attention_mask"]) > 0,
        }
    )
    for name, logits in {
        "mask_ids": "prediction_logits",
        "next_sentence": "seq_relationship_logits",
    }.items():
        np.testing.assert_allclose(outputs[name], expected[logits], rtol=0, atol=1e-5)


def test_the_vocabulary_is_read(folder):
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL_TOKENS, "a", "##b"]) + "\n")
    task = BertMaskedLM.from_preset(folder)
    assert task.preprocessor.tokenizer("AB").numpy().tolist() == [5, 6]


def test_missing_and_broken_files(folder):
    (folder / "bert_model.ckpt.index").rename(folder / "other.index")
    with pytest.raises(ValueError, match="other is not a readable checkpoint"):
        BertBackbone.from_preset(folder)
    (folder / "second.index").touch()
    with pytest.raises(ValueError, match="must hold one checkpoint; it has other.index, second.in"):
        BertBackbone.from_preset(folder)
    for path in folder.glob("*.index"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="must hold a checkpoint, bert_model.ckpt.index"):
        BertBackbone.from_preset(folder)
