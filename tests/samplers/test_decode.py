import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.samplers.toy import Toy, draft_of, new_tokens
from tfzoo.samplers import Sampler, decode

V, STOP = 7, 5
PROMPTS = [[3], [1, 4, 6], [2, 0]]
NUM_TOKENS, NUM_SLOTS = 11, 17
START = 3
SEED = tf.constant([7, 0])
NO_STOP = tf.zeros([0], tf.int32)


@pytest.fixture
def toy():
    return Toy(V, seed=2)


def greedy(toy, prompt, num_tokens, stops):
    """Tokens and their log-probabilities, one argmax after another."""
    last, total, tokens, log_probs = prompt[-1], 0, [], []
    for _ in range(num_tokens):
        total += last
        choices = toy.log_probs(last, total)
        last = int(np.argmax(choices))
        tokens.append(last)
        log_probs.append(choices[last])
        if last in stops:
            break
    return tokens, log_probs


def test_greedy_equals_one_argmax_after_another(toy):
    draft = decode(toy, Sampler(), draft_of(PROMPTS, NUM_SLOTS), NUM_TOKENS, NO_STOP, SEED)
    expected = [greedy(toy, prompt, NUM_TOKENS, ()) for prompt in PROMPTS]
    assert new_tokens(draft, START) == [tokens for tokens, _ in expected]
    for row, (_, log_probs) in zip(draft.log_probs.numpy(), expected, strict=True):
        np.testing.assert_allclose(row[START : START + NUM_TOKENS], log_probs, rtol=1e-4)
    assert int(draft.index) == START - 1 + NUM_TOKENS
    assert not np.any(draft.finished)


def test_prompts_are_untouched_and_slots_behind_stay_empty(toy):
    before = draft_of(PROMPTS, NUM_SLOTS)
    after = decode(toy, Sampler(), before, NUM_TOKENS, NO_STOP, SEED)
    end = START + NUM_TOKENS
    for name in ("token_ids", "written", "log_probs"):
        one, other = getattr(before, name).numpy(), getattr(after, name).numpy()
        np.testing.assert_array_equal(one[:, :START], other[:, :START])
        np.testing.assert_array_equal(one[:, end:], other[:, end:])


def stopping_toy():
    """Rows stop at different times, the last not at all; found by looking at seeds."""
    for seed in itertools.count():
        toy = Toy(V, seed)
        lengths = [len(greedy(toy, prompt, NUM_TOKENS, (STOP,))[0]) for prompt in PROMPTS]
        if 1 < lengths[0] < lengths[1] < NUM_TOKENS == lengths[2]:
            return toy


def test_a_stop_token_ends_its_row_and_only_that():
    toy = stopping_toy()
    draft = decode(toy, Sampler(), draft_of(PROMPTS, NUM_SLOTS), NUM_TOKENS, [STOP], SEED)
    expected = [greedy(toy, prompt, NUM_TOKENS, (STOP,)) for prompt in PROMPTS]
    assert new_tokens(draft, START) == [tokens for tokens, _ in expected]
    assert draft.finished.numpy().tolist() == [True, True, False]
    for b, (tokens, log_probs) in enumerate(expected):
        end = START + len(tokens)
        np.testing.assert_allclose(draft.log_probs[b, START:end], log_probs, rtol=1e-4)
        for slots in (draft.token_ids, draft.written, draft.log_probs):
            assert not np.any(slots[b, end:])


def test_the_loop_ends_when_every_row_has():
    toy = stopping_toy()
    prompts = PROMPTS[:2]
    draft = decode(toy, Sampler(), draft_of(prompts, NUM_SLOTS), NUM_TOKENS, [STOP], SEED)
    longest = max(len(greedy(toy, prompt, NUM_TOKENS, (STOP,))[0]) for prompt in prompts)
    assert int(draft.index) == START - 1 + longest
    again = decode(toy, Sampler(), draft, 1, [STOP], SEED)
    tf.nest.map_structure(np.testing.assert_array_equal, again, draft)


def test_any_of_several_stop_tokens_stops(toy):
    draft = decode(toy, Sampler(), draft_of(PROMPTS, NUM_SLOTS), NUM_TOKENS, range(V), SEED)
    assert [len(tokens) for tokens in new_tokens(draft, START)] == [1, 1, 1]


@pytest.mark.parametrize("sampler", [Sampler(), Sampler(temperature=1.3)])
def test_several_calls_equal_one(sampler):
    toy = stopping_toy()
    start = draft_of(PROMPTS, NUM_SLOTS)
    whole = decode(toy, sampler, start, NUM_TOKENS, [STOP], SEED)
    parts = start
    for num_tokens in (1, 4, NUM_TOKENS - 5):
        parts = decode(toy, sampler, parts, tf.constant(num_tokens), [STOP], SEED)
    tf.nest.map_structure(np.testing.assert_array_equal, parts, whole)


def test_the_seed_decides_and_every_token_is_drawn_anew():
    toy = Toy(V, scale=0.0)  # all tokens equally likely
    rows = [[1]] * 401

    def written(seed):
        draft = decode(toy, Sampler(temperature=1.0), draft_of(rows, 12), 11, NO_STOP, seed)
        return np.array(new_tokens(draft, 1))

    one = written(SEED)
    np.testing.assert_array_equal(one, written(SEED))
    chance = 5 * (1 / V * (1 - 1 / V) / one.size) ** 0.5
    assert abs(np.mean(one == written([8, 0])) - 1 / V) < chance
    assert abs(np.mean(one[:, 1:] == one[:, :-1]) - 1 / V) < 1.1 * chance
    assert abs(np.mean(one[1:] == one[:-1]) - 1 / V) < 1.1 * chance


def test_log_probs_are_the_networks_before_any_filter(toy):
    sampler = Sampler(temperature=2.0, top_k=3, repetition_penalty=1.7, banned_token_ids=(4,))
    draft = decode(toy, sampler, draft_of(PROMPTS, NUM_SLOTS), NUM_TOKENS, NO_STOP, SEED)
    for b, tokens in enumerate(new_tokens(draft, START)):
        last, total = PROMPTS[b][-1], 0
        for slot, token in enumerate(tokens, start=START):
            total += last
            expected = toy.log_probs(last, total)[token]
            np.testing.assert_allclose(draft.log_probs[b, slot], expected, rtol=1e-4)
            last = token


def test_the_sampler_sees_prompt_and_what_was_written(toy):
    # Eleven tokens without a repeated one from fourteen, prompt included.
    toy = Toy(14, seed=3)
    draft = decode(toy, Sampler(no_repeat_ngrams=1), draft_of(PROMPTS, 17), 11, NO_STOP, SEED)
    for prompt, tokens in zip(PROMPTS, new_tokens(draft, START), strict=True):
        assert len({*prompt, *tokens}) == len(prompt) + 11
