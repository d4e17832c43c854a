"""Writes tests/golden/bert_*: tiny random BERTs of Hugging Face, and what they compute.

    .venv/bin/pip install ".[parity]"
    .venv/bin/python scripts/make_golden_bert.py

The tests read these files without PyTorch and `transformers`. The checkpoints differ in what
checkpoints in the world differ in: names with and without a prefix and of old versions, heads,
shards, precision, the activation and the epsilon. A second run writes the same files.
"""

import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, BertModel

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
ROWS, LENGTH = 2, 5
SEED = 1729


def main():
    folder = make(
        "bert_plain",
        BertModel,
        dict(vocab_size=41, hidden_size=14, num_hidden_layers=1, num_attention_heads=2)
        | dict(intermediate_size=9, max_position_embeddings=11, layer_norm_eps=0.1),
    )
    like_the_first_release(folder)
    make(
        "bert_pretraining_sharded",
        BertForPreTraining,
        dict(vocab_size=37, hidden_size=12, num_hidden_layers=2, num_attention_heads=3)
        | dict(intermediate_size=7, max_position_embeddings=13, hidden_act="relu")
        | dict(type_vocab_size=3),
        max_shard_size="4KB",
    )
    make(
        "bert_masked_lm_bfloat16",
        BertForMaskedLM,
        dict(vocab_size=53, hidden_size=11, num_hidden_layers=1, num_attention_heads=1)
        | dict(intermediate_size=17, max_position_embeddings=7, hidden_act="gelu_new"),
        dtype=torch.bfloat16,
    )


def make(name, kind, sizes, dtype=torch.float32, **saving):
    """A folder with a checkpoint, and `expected.json` with what it computes in float32."""
    torch.manual_seed(SEED)
    model = kind(BertConfig(**sizes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Hugging Face starts biases at 0 and scales at 1, which would hide mistakes in them.
            parameter.copy_(parameter.normal_(0, 0.4).to(dtype))
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    inputs = {
        "input_ids": torch.randint(sizes["vocab_size"], (ROWS, LENGTH)),
        "token_type_ids": torch.randint(sizes.get("type_vocab_size", 2), (ROWS, LENGTH)),
        "attention_mask": torch.tensor([[1] * LENGTH, [1, 1, 1, 0, 0]]),
    }
    with torch.no_grad():
        outputs = model(**inputs)
    both = {**inputs, **outputs}
    model.to(dtype).save_pretrained(folder, **saving)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "expected.json").write_text(
        json.dumps({name: tensor.tolist() for name, tensor in both.items()}) + "\n"
    )
    return folder


def like_the_first_release(folder):
    """Renames scales and shifts as the paper's authors did, and adds numbers that only count."""
    tensors = load_file(folder / "model.safetensors")
    tensors = {
        name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): tensor
        for name, tensor in tensors.items()
    }
    tensors["embeddings.position_ids"] = torch.arange(11)[None]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
