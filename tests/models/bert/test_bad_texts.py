"""What is no text, and what does not go with texts: one sentence, from every task."""

import numpy as np
import pytest

from tfzoo.models import (
    BertBackbone,
    BertMaskedLM,
    BertQuestionAnswerer,
    BertTextClassifier,
    BertTextEmbedder,
)
from tfzoo.preprocessing import (
    MaskedLMPreprocessor,
    QuestionAnsweringPreprocessor,
    SlidingWindows,
    TextClassifierPreprocessor,
    WordPieceTokenizer,
)

TOKENIZER = WordPieceTokenizer("[PAD] [UNK] [CLS] [SEP] [MASK] a cat sat".split())
NO_TEXTS = "Texts must be a string, or strings in a list, an array or a tensor; received "


def backbone():
    return BertBackbone(8, num_layers=1, num_heads=2, hidden_dim=6, max_sequence_length=11)


@pytest.fixture(scope="module")
def tasks():
    rows = TextClassifierPreprocessor(TOKENIZER, 11)
    windows = QuestionAnsweringPreprocessor(TOKENIZER, SlidingWindows(11, 3))
    answerer = BertQuestionAnswerer(backbone(), windows)
    return {
        "classify": BertTextClassifier(backbone(), rows, class_names=["no", "yes"]).classify,
        "embed": BertTextEmbedder(backbone(), rows).embed,
        "fill_mask": BertMaskedLM(backbone(), MaskedLMPreprocessor(TOKENIZER, 11)).fill_mask,
        "answer": lambda texts: answerer.answer(texts, "a cat"),
    }


@pytest.mark.parametrize("verb", ["classify", "embed", "fill_mask", "answer"])
@pytest.mark.parametrize(
    ("texts", "found"),
    [(5, "5"), (None, "None"), (["a", None, 3], "None at place 1 of a list")],
)
def test_what_is_no_text_is_named(tasks, verb, texts, found):
    with pytest.raises(ValueError, match=NO_TEXTS + found):
        tasks[verb](texts)


@pytest.mark.parametrize("verb", ["classify", "embed", "fill_mask", "answer"])
def test_bytes_that_are_no_utf8_are_refused(tasks, verb):
    with pytest.raises(ValueError, match="^`texts` must be valid UTF-8"):
        tasks[verb]([b"a [MASK] \xff"])


def test_bytes_are_texts(tasks):
    assert tasks["fill_mask"](b"a [MASK]") == tasks["fill_mask"]("a [MASK]")
    assert tasks["answer"](b"a cat") == tasks["answer"]("a cat")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (dict(validation_split=0.5), "`validation_split` must be left out with raw data: split"),
        (dict(sample_weight=np.ones(2)), "`sample_weight` must be left out with raw data"),
        (dict(class_weight={0: 2.0}), "`class_weight` must be left out .* takes it in `compile`"),
    ],
)
def test_fit_refuses_what_keras_does_with_arrays(arguments, sentence):
    model = BertTextClassifier(
        backbone(), TextClassifierPreprocessor(TOKENIZER, 11), class_names=["no", "yes"]
    )
    model.compile()
    with pytest.raises(ValueError, match=sentence):
        model.fit(["a", "cat"], ["no", "yes"], **arguments)


def test_tasks_refuse_other_parts():
    with pytest.raises(ValueError, match="`preprocessor` of a BertQuestionAnswerer must be a Ques"):
        BertQuestionAnswerer(backbone(), MaskedLMPreprocessor(TOKENIZER, 11))
    with pytest.raises(ValueError, match="`backbone` of a BertMaskedLM must be a .*received None"):
        BertMaskedLM(None)


def test_networks_refuse_sizes_that_are_none():
    with pytest.raises(ValueError, match="`vocabulary_size` must be an int, 1 or more; .* -5"):
        BertBackbone(-5, num_layers=1, num_heads=2, hidden_dim=6)
    with pytest.raises(ValueError, match="`gradient_accumulation` must be an int, 1 or more; "):
        BertMaskedLM(backbone()).compile(gradient_accumulation="2")


def test_a_tokenizer_is_loaded_from_a_folder(tmp_path):
    (tmp_path / "vocab.txt").write_text("a\n")
    with pytest.raises(ValueError, match="`folder` must be the folder of .*vocab.txt is a file"):
        WordPieceTokenizer.load(tmp_path / "vocab.txt")
