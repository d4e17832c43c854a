"""What is written is what the network says, whatever the batch, the cache or the way to ask."""

import numpy as np
import pytest
import tensorflow as tf

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


def brute_force(model, prompt, num_tokens, banned=()):
    """Greedy decoding by a whole pass for each token, without padding or cache."""
    tokenizer = model.preprocessor.tokenizer
    token_ids = [tokenizer.start_token_id, *tokenizer.tokenize(prompt).numpy()]
    log_probs = []
    for _ in range(num_tokens):
        row = tf.nn.log_softmax(model({"token_ids": tf.constant([token_ids])})[0, -1]).numpy()
        allowed = np.delete(np.arange(len(row)), list(banned))
        token_ids.append(allowed[np.argmax(row[allowed])])
        log_probs.append(row[token_ids[-1]])
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


def test_a_stop_string_stops_and_is_left_out(model):
    end = model.preprocessor.tokenizer.end_token_id
    text = model.generate("ab", 20, banned_token_ids=(end,), strip_prompt=True)
    stop = text[4:6]
    stopped = model.generate(
        "ab", 20, banned_token_ids=(end,), strip_prompt=True, stop_strings=stop
    )
    assert stopped == text[: text.index(stop)]


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
        (dict(top_k=0), "`top_k` must be an int, 1 or more; received 0"),
        (dict(max_new_tokens=0), "`max_new_tokens` must be 1 or more; received 0"),
        (dict(num_samples=0), "`num_samples` must be 1 or more; received 0"),
        (dict(max_new_tokens=40), "max_sequence_length=37"),
        (dict(max_new_tokens=5, stop_strings=""), "`stop_strings` must not hold the empty string"),
        (dict(sampler=BeamSearch(2), stream=True), "`stream=True` needs a `Sampler`"),
        (dict(sampler=BeamSearch(2), num_samples=3), "`num_samples` must be at most `num_beams`"),
        (dict(sampler=BeamSearch(2), top_k=3), "not both"),
    ],
)
def test_bad_arguments_get_a_sentence(model, arguments, sentence):
    with pytest.raises(ValueError, match="") as error:
        model.generate("ab", **arguments)
    assert sentence in str(error.value)


def test_bad_prompts_get_a_sentence(model):
    with pytest.raises(TypeError, match="Expected a string"):
        model.generate([1, 2])
    with pytest.raises(TypeError, match="at least one"):
        model.generate([])
    with pytest.raises(ValueError, match="has 51 tokens"):
        model.generate("a" * 50)
