"""What is written is what the network says, whatever the batch, the cache or the way to ask."""

import numpy as np
import pytest
import tensorflow as tf

from tfzoo.models.text_generation import TEXTS_PER_BATCH
from tfzoo.samplers import BeamSearch

WANTED = dict(writes=True)

PROMPTS = ["", "ab", "face a dead"]


@pytest.fixture
def model(entry):
    """Large random weights: an untrained model would repeat one token whatever it reads."""
    model = entry.build()
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.5, variable.shape))
    return model


def brute_force(model, prompt, num_tokens, banned=(), penalty=1.0):
    """Greedy decoding by a whole pass for each token, without padding or cache."""
    tokenizer = model.preprocessor.tokenizer
    token_ids = [tokenizer.start_token_id, *tokenizer.tokenize(prompt).numpy()]
    log_probs = []
    for _ in range(num_tokens):
        logits = model({"token_ids": tf.constant([token_ids])})[0, -1].numpy()
        changed = np.where(logits > 0, logits / penalty, logits * penalty)
        scores = np.where(np.isin(np.arange(len(logits)), token_ids), changed, logits)
        scores[list(banned)] = -np.inf
        token_ids.append(np.argmax(scores))
        log_probs.append(tf.nn.log_softmax(logits).numpy()[token_ids[-1]])
        if token_ids[-1] == tokenizer.end_token_id:
            break
    return tokenizer.detokenize(token_ids).numpy().decode(), log_probs


def test_greedy_equals_brute_force_for_prompts_of_any_length(model):
    end = model.preprocessor.tokenizer.end_token_id
    for banned in ((), (end,)):
        texts, log_probs = model.generate(
            PROMPTS, max_new_tokens=9, banned_token_ids=banned, return_log_probs=True
        )
        for prompt, text, numbers in zip(PROMPTS, texts, log_probs, strict=True):
            expected, expected_log_probs = brute_force(model, prompt, 9, banned)
            assert text == expected
            np.testing.assert_allclose(numbers, expected_log_probs, atol=1e-4)


def test_a_prompt_is_continued_alike_alone_and_in_a_batch(model):
    alone = [model.generate(prompt, max_new_tokens=7) for prompt in PROMPTS]
    assert alone == model.generate(PROMPTS, max_new_tokens=7)
    assert alone == model.generate(tf.data.Dataset.from_tensor_slices(PROMPTS), max_new_tokens=7)


def test_one_beam_is_greedy_and_more_beams_are_likelier(model):
    greedy, greedy_log_probs = model.generate(PROMPTS, 6, return_log_probs=True)
    assert model.generate(PROMPTS, 6, sampler=BeamSearch(1)) == greedy
    _, best = model.generate(PROMPTS, 6, sampler=BeamSearch(5, 0.0), return_log_probs=True)
    _, all_beams = model.generate(
        PROMPTS, 6, sampler=BeamSearch(5, 0.0), num_samples=5, return_log_probs=True
    )
    for one, beams, plain in zip(best, all_beams, greedy_log_probs, strict=True):
        sums = [beam.sum() for beam in beams]
        assert sums == sorted(sums, reverse=True)
        np.testing.assert_allclose(one.sum(), sums[0])
        assert sums[0] >= plain.sum() - 1e-4 or len(one) != len(plain)


def test_a_stream_joins_to_the_text(model):
    settings = dict(max_new_tokens=21, temperature=1.3, seed=11)
    text = model.generate("ab", strip_prompt=True, **settings)
    pieces = list(model.generate("ab", stream=True, **settings))
    assert "".join(pieces) == text and len(pieces) > 1


def test_seeds_and_samples(model):
    settings = dict(max_new_tokens=13, temperature=1.5, num_samples=3)
    first = model.generate(PROMPTS, seed=1, **settings)
    assert first == model.generate(PROMPTS, seed=1, **settings)
    assert first != model.generate(PROMPTS, seed=2, **settings)
    assert [len(samples) for samples in first] == [3, 3, 3]
    assert len(set(first[1])) > 1
    assert all(
        text.startswith(prompt) for prompt, ts in zip(PROMPTS, first, strict=True) for text in ts
    )


def test_more_prompts_than_a_batch_draw_numbers_of_their_own(model):
    settings = dict(max_new_tokens=9, temperature=1.5, seed=1)
    texts = model.generate(["ab"] * 2 * TEXTS_PER_BATCH, **settings)
    first, second = texts[:TEXTS_PER_BATCH], texts[TEXTS_PER_BATCH:]
    assert first == model.generate(["ab"] * TEXTS_PER_BATCH, **settings)
    assert first != second


def test_filters_act_on_what_is_written(model):
    for prompt in PROMPTS:
        expected, _ = brute_force(model, prompt, 9, penalty=3.0)
        assert model.generate(prompt, 9, repetition_penalty=3.0) == expected
    # Nothing but the likeliest token is as likely as the likeliest.
    assert model.generate(PROMPTS, 9, min_p=1.0, seed=3) == model.generate(PROMPTS, 9)
    written = model.generate("ab", 5, no_repeat_ngrams=1)
    assert len(set(written)) == len(written)


def test_a_stop_string_stops_and_is_left_out(model):
    end = model.preprocessor.tokenizer.end_token_id
    settings = dict(banned_token_ids=(end,), strip_prompt=True, return_log_probs=True)
    text, log_probs = model.generate("ab", 20, **settings)
    stop = text[4:6]
    stopped, stopped_log_probs = model.generate("ab", 20, stop_strings=stop, **settings)
    assert stopped == text[: text.index(stop)]
    expected = log_probs[: text.index(stop) + len(stop)]  # a token is one character here
    np.testing.assert_allclose(stopped_log_probs, expected, atol=1e-5)


def test_a_stop_token_stops_and_stays(model):
    tokenizer = model.preprocessor.tokenizer
    settings = dict(banned_token_ids=(tokenizer.end_token_id,), strip_prompt=True)
    text = model.generate("ab", 20, **settings)
    stop = tokenizer.token_to_id(text[4])
    stopped = model.generate("ab", 20, stop_token_ids=[stop], **settings)
    assert stopped == text[: text.index(text[4]) + 1]


def test_new_lengths_and_settings_use_the_same_graphs(model):
    model.generate("ab", 5, temperature=0.5, seed=0)
    graphs = dict(model._graphs.by_key)
    model.generate(["a", "abc"], 7, temperature=0.9, seed=3)
    assert model._graphs.by_key == graphs
    counts = [graph.__wrapped__.experimental_get_tracing_count() for graph in graphs.values()]
    assert counts == [1] * len(graphs)


def test_score_is_the_log_likelihood_of_each_token(model):
    text = "bad cab"
    score = model.score(text)
    assert b"".join(score.tokens) == text.encode()
    tokenizer = model.preprocessor.tokenizer
    token_ids = [tokenizer.start_token_id, *tokenizer.tokenize(text).numpy()]
    log_probs = tf.nn.log_softmax(model({"token_ids": tf.constant([token_ids[:-1]])})[0]).numpy()
    expected = log_probs[np.arange(len(text)), token_ids[1:]]
    np.testing.assert_allclose(score.log_likelihoods, expected, atol=1e-5)
    several = model.score(["a", text, ""])
    np.testing.assert_allclose(several[1].log_likelihoods, expected, atol=1e-5)
    assert several[2].tokens == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (dict(temperature=0.0), "`temperature` must be greater than 0; received 0.0"),
        (dict(top_p=0.0), "`top_p` must be greater than 0 and at most 1; received 0.0"),
        (dict(top_p=1.5), "`top_p` must be greater than 0 and at most 1; received 1.5"),
        (dict(temperature="0.7"), "`temperature` must be greater than 0; received '0.7'"),
        (dict(top_k=0), "`top_k` must be an int, 1 or more; received 0"),
        (dict(max_new_tokens=0), "`max_new_tokens` must be an int, 1 or more; received 0"),
        (dict(max_new_tokens=2.5), "`max_new_tokens` must be an int, 1 or more; received 2.5"),
        (dict(num_samples="3"), "`num_samples` must be an int, 1 or more; received '3'"),
        (dict(banned_token_ids=[-1]), "`banned_token_ids` must be ids of the tokenizer, ints in"),
        (dict(banned_token_ids=["a"]), "`banned_token_ids` must be a list of ints; received ['a']"),
        (dict(stop_token_ids=[10**6]), "`stop_token_ids` must be ids of the tokenizer, ints in"),
        (dict(stop_token_ids=2.5), "`stop_token_ids` must be ids of the tokenizer, ints in"),
        (dict(seed="1"), "`seed` must be an int of 32 bits"),
        (dict(seed=2**31), "`seed` must be an int of 32 bits"),
        (dict(stream=True, return_log_probs=True), "`return_log_probs` must be False with"),
        (dict(max_new_tokens=40), "max_sequence_length=37"),
        (dict(stop_strings=""), "`stop_strings` must not hold the empty string"),
        (dict(stop_strings=5), "`stop_strings` must be a string, or strings in a list; received 5"),
        (dict(stop_strings=[b"a"]), "`stop_strings` must be a string, or strings in a list"),
        (dict(sampler="beam"), "`sampler` must be a `Sampler` or a `BeamSearch`; received 'beam'"),
        (dict(sampler=BeamSearch(2), stream=True), "`stream=True` needs a `Sampler`"),
        (dict(sampler=BeamSearch(2), num_samples=3), "`num_samples` must be at most `num_beams`"),
        (dict(sampler=BeamSearch(2), top_k=3), "not both"),
    ],
)
def test_bad_arguments_get_a_sentence(model, arguments, sentence):
    with pytest.raises(ValueError, match="") as error:
        model.generate("ab", **arguments)
    assert sentence in str(error.value)


def test_an_unknown_argument_is_named_with_those_that_there_are(model):
    with pytest.raises(TypeError, match="no argument `max_tokens`.*temperature, top_k"):
        model.generate("ab", max_tokens=3)


def test_bad_prompts_get_a_sentence(model):
    for prompts in (None, 5, [], [1, 2], {"a": "b"}, np.array([1])):
        with pytest.raises(TypeError, match="`prompts` must be a string, or strings in.* received"):
            model.generate(prompts)
        with pytest.raises(TypeError, match="`texts` must be a string, or strings in.* received"):
            model.score(prompts)
    assert model.generate(tf.constant("ab"), 3) == [model.generate("ab", 3)]
    with pytest.raises(ValueError, match="has 51 tokens"):
        model.generate("a" * 50)
