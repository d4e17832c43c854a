"""Questions answered: by a small model, over windows, with and without an answer."""

import keras
import numpy as np
import pytest

from tfzoo.data import QuestionAnswerExample
from tfzoo.metrics import answer_f1
from tfzoo.models import BertBackbone, BertQuestionAnswerer
from tfzoo.models.bert import question_answering
from tfzoo.preprocessing import QuestionAnsweringPreprocessor, SlidingWindows, WordPieceTokenizer

NAMES, VERBS = ["ann", "bo", "cy", "di"], ["sang", "fell", "ran", "ate"]
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "who", "what", *NAMES, *VERBS, "🦉", "."]


def small(window=17, stride=5, **arguments):
    """V 17, L 2, H 2, D 22."""
    keras.utils.set_random_seed(3)
    backbone = BertBackbone(
        len(TOKENS), 2, 2, 22, intermediate_dim=31, dropout=0.0, max_sequence_length=23
    )
    preprocessor = QuestionAnsweringPreprocessor(
        WordPieceTokenizer(TOKENS), SlidingWindows(window, stride), 7
    )
    return BertQuestionAnswerer(backbone, preprocessor, **arguments)


def example(rng, possible=True):
    """`🦉 . Bo 🦉 ran`: who, or what? Where it is impossible the word is not there."""
    asked, words = [("Who", NAMES), ("What", VERBS)][rng.integers(2)]
    word, other = (rng.choice(kind).title() for kind in (words, VERBS if words == NAMES else NAMES))
    context = " ".join(rng.permutation([other, word if possible else ".", "🦉", "🦉", "."]))
    answers = [(word, context.index(word))] if possible else []
    return QuestionAnswerExample(f"{asked}?", context, answers)


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(5)
    return [example(rng, possible=number % 4 > 0) for number in range(240)]


@pytest.fixture(scope="module")
def trained(examples):
    """Knows who and what, and when there is none."""
    model = small(no_answer_threshold=0.0)
    model.compile(keras.optimizers.Adam(5e-3))
    history = model.fit(
        examples[:200], batch_size=20, epochs=20, validation_data=examples[200:], verbose=0
    ).history
    return model, history


def test_it_learns_to_answer_and_when_not_to(trained, examples):
    model, history = trained
    logs = model.evaluate(examples[200:], return_dict=True, verbose=0)
    assert logs["exact_match"] > 0.9 and logs["f1"] >= logs["exact_match"]
    assert logs["f1"] == pytest.approx(history["val_f1"][-1])
    assert history["val_f1"][0] < 0.7
    found = model.answer(
        [one.question for one in examples[200:]], [one.context for one in examples[200:]]
    )
    scores = [
        answer_f1(answer.text, [gold.text for gold in one.answers])
        for answer, one in zip(found, examples[200:], strict=True)
    ]
    np.testing.assert_allclose(np.mean(scores), logs["f1"], rtol=1e-5)
    for answer, one in zip(found, examples[200:], strict=True):
        assert one.context[answer.start : answer.end] == answer.text
        assert 0 <= answer.score <= 1


def test_an_answer_does_not_depend_on_what_else_is_asked(trained, examples):
    model, _ = trained
    several = examples[200:207]
    questions, contexts = [e.question for e in several], [e.context for e in several]
    together = model.answer(questions, contexts)
    alone = [
        model.answer(question, context)
        for question, context in zip(questions, contexts, strict=True)
    ]
    few = model.answer(questions, contexts, batch_size=2)
    for a, b, c in zip(together, alone, few, strict=True):
        assert a[:3] == b[:3] == c[:3]
        np.testing.assert_allclose([b.score, c.score], a.score, atol=1e-5)
    assert (
        model.answer(questions, contexts[0])[1][:3] == model.answer(questions[1], contexts[0])[:3]
    )


def test_the_threshold_decides_about_no_answer(trained):
    model, _ = trained
    config = model.get_config()
    assert config["no_answer_threshold"] == 0.0
    for threshold, is_empty in ((None, False), (-1e6, True), (1e6, False)):
        twin = BertQuestionAnswerer(
            model.backbone, model.preprocessor, no_answer_threshold=threshold
        )
        twin.head = model.head
        found = question_answering.find_answers(twin, ["Who?"], ["Bo 🦉 ran."])
        assert (found.text[0] == b"") == is_empty and (found.end[0] == 0) == is_empty


def test_a_context_without_tokens_has_no_answer(trained):
    model, _ = trained
    assert model.answer(["Who?", "What?"], ["", "Bo ran."])[0][:3] == ("", 0, 0)
    assert model.answer("Who?", " \u200d ")[:3] == ("", 0, 0)


def brute_force(model, question, context):
    """Every window by itself, every span of it; `(start, end)` in characters."""
    tokenizer, sliding = model.preprocessor.tokenizer, model.preprocessor.long_documents
    asked = tokenizer.tokenize(question).numpy().tolist()
    tokens, starts, ends = (part.numpy() for part in tokenizer.tokenize_with_offsets(context))
    room = sliding.window - len(asked) - 3
    first, best = 0, (-np.inf, 0, 0)
    while True:
        first = max(0, min(first, len(tokens) - room))
        row = [2, *asked, 3, *tokens[first : first + room], 3]
        segments = [0] * (len(asked) + 2) + [1] * (len(row) - len(asked) - 2)
        logits = model({"token_ids": np.array([row]), "segment_ids": np.array([segments])})[
            0
        ].numpy()
        for i in range(len(asked) + 2, len(row) - 1):
            for j in range(i, min(i + model.max_answer_length, len(row) - 1)):
                offset = first - len(asked) - 2
                best = max(
                    best, (logits[0, i] + logits[1, j], starts[i + offset], ends[j + offset])
                )
        if first + room >= len(tokens):
            return best[1:]
        first += min(sliding.stride, room)


def test_the_best_span_over_all_windows(trained):
    model, _ = trained
    model = BertQuestionAnswerer(model.backbone, model.preprocessor, max_answer_length=3)
    model.set_weights(trained[0].get_weights())
    rng = np.random.default_rng(8)
    for _ in range(2):
        words = rng.choice([*NAMES, *VERBS, ".", "🦉"], 41)
        context, question = " ".join(words), rng.choice(["Who?", "What?"])
        found = model.answer(question, context)
        assert (found.start, found.end) == brute_force(model, question, context)


def test_a_hundred_thousand_words_go_through_the_network_in_batches(trained, monkeypatch):
    """Its windows are never all in memory: the graph has a loop over 32 of them at a time."""
    model, _ = trained
    rows = []
    spans = question_answering._spans

    def counted(model, windows, first, limit, targets=None):
        rows.append(int(limit - first))
        return spans(model, windows, first, limit, targets)

    context = "bo ran . " * 1_000 + "ann fell . " + "bo ran . " * 1_000
    monkeypatch.setattr(question_answering, "_spans", counted)
    eager = question_answering.find_answers(model, ["Who?"], [context])
    assert set(rows[:-1]) == {32} and len(rows) > 10 and sum(rows) > 600
    monkeypatch.undo()
    graph = model.answer("Who?", context)
    assert (graph.start, graph.end) == (eager.start.numpy(), eager.end.numpy())


def test_examples_give_the_same_loss_as_their_rows(trained, examples):
    model, _ = trained
    logs = model.evaluate(examples[:7], return_dict=True, verbose=0)
    rows = model.preprocessor([e.question for e in examples[:7]], [e.context for e in examples[:7]])
    ends = [e.answers[0].start + len(e.answers[0].text) if e.answers else 0 for e in examples[:7]]
    starts = [e.answers[0].start if e.answers else 0 for e in examples[:7]]
    targets = model.preprocessor.targets(rows, starts, ends).numpy()
    x = {name: value.numpy() for name, value in rows.inputs().items()}
    prepared = model.evaluate(x, targets, batch_size=3, return_dict=True, verbose=0)
    np.testing.assert_allclose(prepared["loss"], logs["loss"], rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: m.fit([]), "`x` must hold at least one example; received an empty list"),
        (lambda m: m.evaluate([]), "`x` must hold at least one example; received an empty list"),
        (lambda m: m.answer(["a", "b"], ["c"]), "one for each question; received 1 for 2"),
        (
            lambda m: small(max_answer_length=0),
            "`max_answer_length` must be at least 1; received 0",
        ),
        (lambda m: m.compile(gradient_accumulation=0), "must be an int, 1 or more; .* 0"),
        (
            lambda m: BertQuestionAnswerer(m.backbone).answer("a", "b"),
            "Raw data need a preprocessor",
        ),
    ],
)
def test_what_cannot_be_gets_a_sentence(trained, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(trained[0])
