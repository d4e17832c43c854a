"""From prompts to texts: what every task that writes has in common.

B prompts, N samples of each, P prompt length, S slots. A task has `backbone`, `preprocessor`,
`start_draft` and `next_logits`; `generate` and `score` here become its methods.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfzoo.models.arguments import is_int, require_ints, require_seed
from tfzoo.models.generation_graphs import (
    CHUNK,
    FIRST_CHUNK,
    bucket,
    continue_function,
    fill_bucket,
    numbers_of,
    score_function,
    start_function,
    stop_tokens,
)
from tfzoo.preprocessing import TextStream
from tfzoo.preprocessing.text_stream import stop_strings_of
from tfzoo.samplers import BeamSearch, Sampler

TEXTS_PER_BATCH = 16


class Score(NamedTuple):
    """What `score` returns for one text.

    Attributes:
        tokens: list of bytes, what each token stands for.
        log_likelihoods: float32 array, `log p(token | the tokens before it)` in nats.
    """

    tokens: list
    log_likelihoods: np.ndarray


@dataclasses.dataclass(frozen=True)
class Request:
    """What is to be written, whatever the prompt."""

    max_new_tokens: int
    sampler: Sampler | BeamSearch
    num_samples: int
    stop_token_ids: list
    stop_strings: tuple
    seed: int
    in_chunks: bool

    def chunks(self):
        """Yields the number of tokens to write in each call of the compiled loop."""
        if not self.in_chunks:
            yield self.max_new_tokens
            return
        yield min(FIRST_CHUNK, self.max_new_tokens)
        for start in range(FIRST_CHUNK, self.max_new_tokens, CHUNK):
            yield min(CHUNK, self.max_new_tokens - start)


class Row:
    """One text while it is written."""

    def __init__(self, token_bytes, stop_strings):
        self.stream = TextStream(token_bytes, stop_strings)
        self.text = ""
        self.log_probs = []

    def push(self, token_ids, log_probs):
        """Takes new tokens, up to the one that ends the text; returns what is certain now."""
        pieces = []
        for token_id, log_prob in zip(token_ids, log_probs, strict=True):
            if self.stream.stopped:
                break
            self.log_probs.append(log_prob)
            pieces.append(self.stream.push([token_id]))
        return self._add("".join(pieces))

    def finish(self):
        """Returns the text that was held back."""
        return self._add(self.stream.finish())

    def _add(self, piece):
        self.text += piece
        return piece


def generate(
    self,
    prompts,
    max_new_tokens=64,
    sampler=None,
    *,
    num_samples=1,
    stop_token_ids=None,
    stop_strings=(),
    seed=None,
    stream=False,
    strip_prompt=False,
    return_log_probs=False,
    **sampling,
):
    """Continues texts.

    Args:
        prompts: a string, a list of strings, or a `tf.data.Dataset` of strings.
        max_new_tokens: int >= 1, tokens to write at most.
        sampler: a `Sampler` or `BeamSearch`; greedy by default. Instead of one, the arguments of
            `Sampler` may be given here: `temperature`, `top_k`, `top_p`, `min_p`,
            `repetition_penalty`, `no_repeat_ngrams`, `banned_token_ids`.
        num_samples: int >= 1, N, continuations of each prompt; with beams, the N best of them.
        stop_token_ids: ids, or one, that end a text, and stay a part of it; by default the
            tokenizer's end token, which stands for no text.
        stop_strings: a string or strings that end a text; they are not part of it. Beams are
            searched to their end, and cut then.
        seed: optional int of 32 bits; the same seed gives the same texts for the same prompts.
        stream: bool, return an iterator over pieces of new text as they come, never half a
            character: strings for one prompt, lists of strings for several.
        strip_prompt: bool, return only what is new.
        return_log_probs: bool, return `(texts, log_probs)`: for each text an array of the
            log-probabilities of its new tokens, in nats, before filters and temperature; those of
            a stop token or string that ended it are the last. Not with `stream`.
        **sampling: arguments of `Sampler`.

    The tokenizer's start token, if it has one, stands in front of each prompt, as in training.

    Returns:
        A string for a string, else a list; with `num_samples` > 1 a list of N strings for each.

    Raises:
        ValueError: an argument outside its range, or a prompt that leaves no room for
            `max_new_tokens` within the model's `max_sequence_length`.
        TypeError: prompts that are not strings, or an argument that there is not.
    """
    tokenizer = self._attached().tokenizer
    require_ints(max_new_tokens=max_new_tokens, num_samples=num_samples)
    seed = np.random.randint(2**31) if seed is None else seed
    require_seed("seed", seed)
    request = Request(
        max_new_tokens,
        _sampler(sampler, sampling, num_samples, stream),
        num_samples,
        stop_tokens(tokenizer, stop_token_ids),
        stop_strings_of(stop_strings),
        int(seed),
        in_chunks=not isinstance(sampler, BeamSearch) and (stream or bool(stop_strings)),
    )
    banned = getattr(request.sampler, "banned_token_ids", ())
    _require_tokens("banned_token_ids", banned, tokenizer.vocabulary_size)
    _require_tokens("stop_token_ids", request.stop_token_ids, tokenizer.vocabulary_size)
    if stream and return_log_probs:
        raise ValueError("`return_log_probs` must be False with `stream=True`, which yields texts.")
    texts = _strings("prompts", prompts)
    alone = isinstance(prompts, (str, bytes))
    if stream:
        pieces = (pieces for _, pieces in _write(self, texts, request) if any(pieces))
        return (piece[0] for piece in pieces) if alone and num_samples == 1 else pieces

    rows = []
    for number, start in enumerate(range(0, len(texts), TEXTS_PER_BATCH)):
        *_, (written, _) = _write(self, texts[start : start + TEXTS_PER_BATCH], request, number)
        rows.extend(written)
    beginnings = ["" if strip_prompt else text for text in texts for _ in range(num_samples)]
    new_texts = [b + row.text for b, row in zip(beginnings, rows, strict=True)]
    log_probs = [np.array(row.log_probs, np.float32) for row in rows]

    def shape(flat):
        per_prompt = [flat[i : i + num_samples] for i in range(0, len(flat), num_samples)]
        per_prompt = [x[0] for x in per_prompt] if num_samples == 1 else per_prompt
        return per_prompt[0] if alone else per_prompt

    return (shape(new_texts), shape(log_probs)) if return_log_probs else shape(new_texts)


def score(self, texts):
    """Computes how likely texts are, token by token.

    Args:
        texts: a string, a list of strings, or a `tf.data.Dataset` of strings, each at most
            `max_sequence_length` tokens long.

    Returns:
        A `Score` for a string, else a list of them. `sum(log_likelihoods)` is the log-probability
        of the text given the start token; its end is not part of it.
    """
    tokenizer = self._attached().tokenizer
    strings = _strings("texts", texts)
    scores = []
    for start in range(0, len(strings), TEXTS_PER_BATCH):
        tokens, log_likelihoods = score_function(self)(
            tf.constant(strings[start : start + TEXTS_PER_BATCH])
        )
        for ids, numbers in zip(tokens.to_list(), log_likelihoods, strict=True):
            scores.append(Score([tokenizer.token_bytes[i] for i in ids], numbers.numpy()))
    return scores[0] if isinstance(texts, (str, bytes)) else scores


def _write(task, texts, request, number=0):
    """Yields `(rows, new text of each)` after each chunk; at last the B * N rows are complete.

    `number` is that of the batch: each draws numbers of its own.
    """
    prompts = task.preprocessor.prompts(texts)
    _check_room(task, prompts["token_ids"].shape[1], request.max_new_tokens)
    sampler, num_rows = request.sampler, request.num_samples
    copies = max(getattr(sampler, "num_beams", 1), num_rows)
    draft = start_function(task)(
        **fill_bucket(**prompts), num_tokens=bucket(request.max_new_tokens), copies=copies
    )
    proceed = continue_function(task, sampler, draft)
    token_bytes = task.preprocessor.tokenizer.token_bytes
    rows = [Row(token_bytes, request.stop_strings) for _ in range(len(texts) * num_rows)]
    for chunk in request.chunks():
        shown = int(draft.index) + 1
        draft = proceed(
            draft, numbers_of(sampler), chunk, request.stop_token_ids, [request.seed, number]
        )
        ids, written, log_probs = (x.numpy()[:, shown:] for x in draft[:3])
        kept = [i for i in range(len(ids)) if i % copies < num_rows]
        yield (
            rows,
            [
                row.push(ids[i][written[i]], log_probs[i][written[i]])
                for i, row in zip(kept, rows, strict=True)
            ],
        )
        if request.in_chunks:
            stopped = [row.stream.stopped for row in rows]
            draft = draft._replace(finished=draft.finished | stopped)
        if bool(tf.reduce_all(draft.finished)):
            break
    yield rows, [row.finish() for row in rows]


def _sampler(sampler, sampling, num_samples, stream):
    known = [field.name for field in dataclasses.fields(Sampler)]
    unknown = sorted(sampling.keys() - known)
    if unknown:
        raise TypeError(
            f"`generate` has no argument `{unknown[0]}`. Of a `Sampler` it takes "
            f"{', '.join(known)}; `help(model.generate)` has the others."
        )
    if sampler is None:
        return Sampler(**sampling)
    if not isinstance(sampler, (Sampler, BeamSearch)):
        raise ValueError(
            f"`sampler` must be a `Sampler` or a `BeamSearch`; received {sampler!r:.80}."
        )
    if sampling:
        raise ValueError(
            f"Pass a `sampler` or arguments of one, not both; received {sampler} and {sampling}."
        )
    if isinstance(sampler, BeamSearch) and num_samples > sampler.num_beams:
        raise ValueError(
            f"`num_samples` must be at most `num_beams`; received {num_samples} and {sampler}."
        )
    if isinstance(sampler, BeamSearch) and stream:
        raise ValueError("`stream=True` needs a `Sampler`: beams may still change the text.")
    return sampler


def _require_tokens(name, token_ids, vocabulary_size):
    odd = [i for i in token_ids if not is_int(i) or not 0 <= i < vocabulary_size]
    if odd:
        raise ValueError(
            f"`{name}` must be ids of the tokenizer, ints in [0, {vocabulary_size}); received "
            f"{odd[0]!r:.80}."
        )


def _strings(name, texts):
    strings = texts
    if isinstance(texts, tf.data.Dataset):
        strings = [text for batch in texts.as_numpy_iterator() for text in np.atleast_1d(batch)]
    elif tf.is_tensor(texts) or isinstance(texts, (str, bytes, np.ndarray)):
        strings = np.atleast_1d(np.array(texts, object)).tolist()
    is_some = isinstance(strings, (list, tuple)) and len(strings) > 0
    if not is_some or not all(isinstance(text, (str, bytes)) for text in strings):
        raise TypeError(
            f"`{name}` must be a string, or strings in a list, a tensor or a dataset, at least "
            f"one; received {texts!r:.100}."
        )
    return [text.decode() if isinstance(text, bytes) else text for text in strings]


def _check_room(task, prompt_length, max_new_tokens):
    limit = task.backbone.max_sequence_length
    if prompt_length == 0:
        raise ValueError("`prompts` must not be empty for a tokenizer without a start token.")
    if prompt_length + max_new_tokens > limit:
        raise ValueError(
            f"The longest of the prompts has {prompt_length} tokens and `max_new_tokens` is "
            f"{max_new_tokens}; together they must fit into max_sequence_length={limit}. Shorten "
            "the prompt or lower `max_new_tokens`."
        )
