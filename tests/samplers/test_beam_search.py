import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from tests.samplers.toy import Toy, draft_of, new_tokens
from tfzoo.samplers import BeamSearch, Sampler, decode

NO_STOP = tf.zeros([0], tf.int32)


def search(toy, prompts, num_tokens, stops, **arguments):
    """All beams of each prompt: `(tokens, sum of log-probabilities)`, best first."""
    beams = BeamSearch(**arguments)
    length = max(map(len, prompts))
    draft = draft_of(prompts, length + num_tokens + 2, copies=beams.num_beams)
    draft = beams.decode(toy, draft, num_tokens, tf.constant(stops, tf.int32))
    rows = new_tokens(draft, length)
    scores = np.sum(draft.log_probs, axis=1)
    found = list(zip(rows, scores, strict=True))
    width = beams.num_beams
    return [found[start : start + width] for start in range(0, len(found), width)], draft


def log_prob(toy, prompt, tokens):
    last, total, score = prompt[-1], 0, 0.0
    for token in tokens:
        total += last
        score += toy.log_probs(last, total)[token]
        last = token
    return score


def enumerated(toy, prompt, num_tokens, stops, length_penalty):
    """Every possible text with its log-probability, best first."""
    vocabulary_size = len(toy.table)
    texts = set()
    for tokens in itertools.product(range(vocabulary_size), repeat=num_tokens):
        end = next((i + 1 for i, token in enumerate(tokens) if token in stops), num_tokens)
        texts.add(tokens[:end])
    scored = [(list(text), log_prob(toy, prompt, text)) for text in texts]
    return sorted(scored, key=lambda item: -item[1] / len(item[0]) ** length_penalty)


def pruned(toy, prompt, num_tokens, stops, num_beams, length_penalty):
    """Beam search with lists: every live text grows by every token, the best W stay."""
    beams = [([], 0.0, False)]
    for _ in range(num_tokens):
        grown = []
        for tokens, _, done in beams:
            nexts = [tokens] if done else [[*tokens, v] for v in range(len(toy.table))]
            for text in nexts:
                grown.append((text, log_prob(toy, prompt, text), text[-1] in stops))
        grown.sort(key=lambda item: -item[1] / len(item[0]) ** length_penalty)
        beams = grown[:num_beams]
    return [(tokens, score) for tokens, score, _ in beams]


def assert_same(found, expected):
    assert [tokens for tokens, _ in found] == [tokens for tokens, _ in expected]
    np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], rtol=1e-4)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_as_many_beams_as_texts_find_all_of_them(length_penalty):
    toy = Toy(3, seed=1)
    found, _ = search(toy, [[1]], 3, [], num_beams=27, length_penalty=length_penalty)
    assert_same(found[0], enumerated(toy, [1], 3, (), length_penalty))


@pytest.mark.parametrize("length_penalty", [0.0, 0.7, 1.0, 2.0])
def test_as_many_beams_as_texts_find_all_that_stop_too(length_penalty):
    toy = Toy(3, seed=1)
    found, _ = search(toy, [[1]], 3, [2], num_beams=27, length_penalty=length_penalty)
    expected = enumerated(toy, [1], 3, (2,), length_penalty)
    assert len(expected) == 15  # 8 that never stop, 1 + 2 + 4 that do
    assert_same(found[0][:15], expected)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_equals_a_search_with_lists(seed, length_penalty):
    toy = Toy(5, seed)
    prompts = [[1], [3, 0, 2]]
    found, _ = search(toy, prompts, 6, [4], num_beams=3, length_penalty=length_penalty)
    for prompt, beams in zip(prompts, found, strict=True):
        assert_same(beams, pruned(toy, prompt, 6, (4,), 3, length_penalty))


@pytest.mark.parametrize("seed", range(3))
def test_one_beam_is_greedy(seed):
    toy, prompts = Toy(7, seed), [[3], [1, 4, 6]]
    greedy = decode(toy, Sampler(), draft_of(prompts, 15), 11, [5], [0, 0])
    one = BeamSearch(num_beams=1).decode(toy, draft_of(prompts, 15), 11, tf.constant([5]))
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5),
        one._replace(memory=0),
        greedy._replace(memory=0),
    )


class Table:
    """Next-token probabilities by the last token alone."""

    def __init__(self, shares):
        self.logits = np.log(np.array(shares, "float32"))

    def __call__(self, token_ids, memory):
        return tf.gather(self.logits, token_ids[:, 0]), memory


def test_length_penalty_by_hand():
    # Stopping at once has 0.5. Going on with 1 has 0.4, and then 0.9 twice: 0.324 for three tokens.
    table = Table([[0.5, 0.4, 0.1], [0.05, 0.9, 0.05], [0.2, 0.4, 0.4]])
    stop, long = math.log(0.5), math.log(0.4 * 0.9 * 0.9)
    assert stop > long and stop < long / 3
    for penalty, expected, score in [(0.0, [0], stop), (1.0, [1, 1, 1], long)]:
        found, _ = search(table, [[0]], 3, [0], num_beams=2, length_penalty=penalty)
        assert found[0][0][0] == expected
        assert found[0][0][1] == pytest.approx(score, rel=1e-5)
    # They change places where ln 0.5 = ln 0.324 / 3^penalty.
    change = math.log(long / stop) / math.log(3)
    for penalty, expected in [(change - 0.01, [0]), (change + 0.01, [1, 1, 1])]:
        found, _ = search(table, [[0]], 3, [0], num_beams=2, length_penalty=tf.constant(penalty))
        assert found[0][0][0] == expected


def test_a_finished_beam_is_frozen_and_nothing_is_written_after_its_stop():
    # The best text stops first; its rivals go on for ten more tokens.
    table = Table([[0.9, 0.09, 0.01], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    found, draft = search(table, [[0]], 11, [0], num_beams=3, length_penalty=0.0)
    tokens, score = found[0][0]
    assert tokens == [0] and score == pytest.approx(math.log(0.9), rel=1e-5)
    assert bool(draft.finished[0]) and len(found[0][1][0]) > 1
    for slots in (draft.token_ids, draft.written, draft.log_probs):
        assert not np.any(slots[0, 2:])


def test_the_search_ends_when_every_beam_has():
    table = Table([[0.98, 0.01, 0.01]] * 3)
    found, draft = search(table, [[1], [2]], 11, [0, 1, 2], num_beams=3)
    assert int(draft.index) == 1
    assert [tokens for tokens, _ in found[0]] in ([[0], [1], [2]], [[0], [2], [1]])


def test_texts_of_a_batch_do_not_meet():
    toy, prompts = Toy(5, seed=4), [[1], [3, 0, 2], [4, 4]]
    together, _ = search(toy, prompts, 5, [2], num_beams=3)
    for prompt, found in zip(prompts, together, strict=True):
        alone, _ = search(toy, [prompt], 5, [2], num_beams=3)
        assert_same(found, alone[0])


def test_a_memory_goes_with_its_beam():
    toy = Toy(5, seed=4)
    found, draft = search(toy, [[1], [3]], 6, [], num_beams=3)
    # All that was read: the prompt's last token, and of the six new ones all but the last.
    expected = [
        prompt + sum(tokens[:-1])
        for prompt, beams in zip((1, 3), found, strict=True)
        for tokens, _ in beams
    ]
    assert draft.memory["sum"].numpy().tolist() == expected


def test_equal_inside_xla():
    toy, beams = Toy(5, seed=4), BeamSearch(num_beams=3)
    draft = draft_of([[1], [3, 0]], 10, copies=3)
    arguments = draft, tf.constant(6), tf.constant([4])

    def run(draft, num_tokens, stops):
        return beams.decode(toy, draft, num_tokens, stops)

    plain, compiled = run(*arguments), tf.function(run, jit_compile=True)(*arguments)
    np.testing.assert_array_equal(plain.token_ids, compiled.token_ids)
    np.testing.assert_allclose(plain.log_probs, compiled.log_probs, rtol=1e-4)


def test_bad_number_of_beams():
    with pytest.raises(ValueError, match="`num_beams` must be 1 or more; received 0"):
        BeamSearch(num_beams=0)
