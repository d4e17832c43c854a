"""Writes tests/golden: tiny random GPT-2 checkpoints of Hugging Face, and what they compute.

    .venv/bin/pip install ".[parity]"
    .venv/bin/python scripts/make_golden.py

The tests read these files without PyTorch and `transformers`. The checkpoints differ in what
checkpoints in the world differ in: names with and without a prefix, shards, precision, causal masks
among the weights, an untied head, the activation. A second run writes the same files.
"""

import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
NUM_PROMPTS, PROMPT_LENGTH, NUM_NEW_TOKENS = 2, 5, 6
SEED = 1729


def main():
    first = make(
        "gpt2_tied",
        dict(vocab_size=61, n_positions=13, n_embd=21, n_head=3, n_layer=1, n_inner=17),
    )
    like_the_first_release(first)
    make(
        "gpt2_untied_sharded",
        dict(vocab_size=37, n_positions=11, n_embd=10, n_head=2, n_layer=2)
        | dict(activation_function="relu", tie_word_embeddings=False),
        max_shard_size="4KB",
    )
    make(
        "gpt2_bfloat16",
        dict(vocab_size=53, n_positions=19, n_embd=11, n_head=1, n_layer=3, n_inner=7)
        | dict(activation_function="gelu"),
        dtype=torch.bfloat16,
    )


def make(name, sizes, dtype=torch.float32, **saving):
    """A folder with a checkpoint, and `expected.json` with float32 logits and greedy texts."""
    torch.manual_seed(SEED)
    ends = dict(bos_token_id=None, eos_token_id=None)
    model = GPT2LMHeadModel(GPT2Config(**sizes, **ends)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Hugging Face starts biases at 0 and scales at 1, which would hide mistakes in them.
            parameter.copy_(parameter.normal_(0, 0.4).to(dtype))
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    prompts = torch.randint(sizes["vocab_size"], (NUM_PROMPTS, PROMPT_LENGTH))
    expected = {
        "token_ids": prompts.tolist(),
        "logits": logits(model, prompts).tolist(),
        "greedy": continue_greedily(model, prompts).tolist(),
    }
    model.to(dtype).save_pretrained(folder, **saving)
    (folder / "generation_config.json").unlink()
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    return folder


def logits(model, token_ids):
    with torch.no_grad():
        return model(token_ids).logits


def continue_greedily(model, token_ids):
    """Brute force, so that the expectation rests on the network alone."""
    for _ in range(NUM_NEW_TOKENS):
        next_ids = logits(model, token_ids)[:, -1].argmax(-1, keepdim=True)
        token_ids = torch.cat([token_ids, next_ids], dim=1)
    return token_ids[:, PROMPT_LENGTH:]


def like_the_first_release(folder):
    """Renames the tensors as in the GPT-2 that OpenAI released, and adds its causal masks."""
    tensors = load_file(folder / "model.safetensors")
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    tensors["h.0.attn.bias"] = torch.ones(1, 1, 13, 13).tril()
    tensors["h.0.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
