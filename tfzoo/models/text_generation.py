"""From prompts to texts: what every task that writes has in common.

B prompts, N samples of each, P prompt length, S slots. A task has `backbone`, `preprocessor`,
`start_draft` and `next_logits`; `generate` and `score` here become its methods.
"""

import contextlib
import dataclasses
import functools
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfzoo.preprocessing import TextStream
from tfzoo.samplers import BeamSearch, Sampler, decode

TEXTS_PER_BATCH = 16
# Each call of the compiled loop reads all weights once before it starts: a stream shows its first
# token at once and the others in small groups.
FIRST_CHUNK, CHUNK = 1, 8


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
    stop_strings: list
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
        """Takes new tokens; returns the text that is certain now."""
        self.log_probs.extend(log_probs)
        return self._add(self.stream.push(token_ids))

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
        stop_token_ids: ids that end a text; by default the tokenizer's end token.
        stop_strings: a string or strings that end a text; they are not part of it.
        seed: optional int; the same seed gives the same texts.
        stream: bool, return an iterator over pieces of new text as they come, never half a
            character: strings for one prompt, lists of strings for several.
        strip_prompt: bool, return only what is new.
        return_log_probs: bool, return `(texts, log_probs)`: for each text an array of the
            log-probabilities of its new tokens, in nats, before filters and temperature.
        **sampling: arguments of `Sampler`.

    Returns:
        A string for a string, else a list; with `num_samples` > 1 a list of N strings for each.

    Raises:
        ValueError: an argument outside its range, or a prompt that leaves no room for
            `max_new_tokens` within the model's `max_sequence_length`.
        TypeError: prompts that are not strings.
    """
    request = Request(
        _at_least_one("max_new_tokens", max_new_tokens),
        _sampler(sampler, sampling, num_samples, stream),
        _at_least_one("num_samples", num_samples),
        _stop_tokens(self._attached().tokenizer, stop_token_ids),
        [stop_strings] if isinstance(stop_strings, str) else list(stop_strings),
        int(np.random.randint(2**31)) if seed is None else seed,
        in_chunks=not isinstance(sampler, BeamSearch) and (stream or bool(stop_strings)),
    )
    texts = _strings(prompts)
    alone = isinstance(prompts, (str, bytes))
    if stream:
        pieces = (pieces for _, pieces in _write(self, texts, request) if any(pieces))
        return (piece[0] for piece in pieces) if alone and num_samples == 1 else pieces

    rows = []
    for start in range(0, len(texts), TEXTS_PER_BATCH):
        *_, (written, _) = _write(self, texts[start : start + TEXTS_PER_BATCH], request)
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
        A `Score` for a string, else a list of them. `sum(log_likelihoods)` is the log-probability of
        the text given the start token; its end is not part of it.
    """
    tokenizer = self._attached().tokenizer
    strings = _strings(texts)
    scores = []
    for start in range(0, len(strings), TEXTS_PER_BATCH):
        tokens, log_likelihoods = _score_function(self)(
            tf.constant(strings[start : start + TEXTS_PER_BATCH])
        )
        for ids, numbers in zip(tokens.to_list(), log_likelihoods, strict=True):
            scores.append(Score([tokenizer.token_bytes[i] for i in ids], numbers.numpy()))
    return scores[0] if isinstance(texts, (str, bytes)) else scores


def score_texts(task, texts):
    """The graph of `score`: strings (B,) to ragged tokens and log-likelihoods, both (B, None)."""
    inputs, targets = task.preprocessor.shift(texts)
    if task.preprocessor.tokenizer.end_token_id is not None:
        inputs, targets = inputs[:, :-1], targets[:, :-1]
    length = tf.cast(inputs.bounding_shape(1), tf.int32)
    limit = task.backbone.max_sequence_length
    fits = tf.debugging.assert_less_equal(
        length,
        limit,
        f"`texts` must have at most {limit} tokens each; use `evaluate` for longer ones.",
    )
    with tf.control_dependencies([] if fits is None else [fits]):
        logits = task({"token_ids": inputs.to_tensor()}, training=False)
    log_probs = -tf.nn.sparse_softmax_cross_entropy_with_logits(
        targets.to_tensor(), tf.cast(logits, tf.float32)
    )
    return targets, tf.RaggedTensor.from_tensor(log_probs, targets.row_lengths())


@contextlib.contextmanager
def weights_read_once(model):
    """Inside, layers take weights from tensors: read, and cast to the compute dtype, once.

    A loop that reads variables in its body copies the embeddings and casts all weights at every
    token, which takes longer than the arithmetic.
    """
    scope = keras.StatelessScope()
    for variable in model.variables:
        if "float" in variable.dtype:
            scope.add_update((variable, tf.cast(variable.value, model.compute_dtype)))
    with scope:
        yield


def write_draft(task, draft, sampler, num_tokens, stop_token_ids, seed):
    """Continues a `Draft` by a `Sampler` or `BeamSearch`, in one graph."""
    with weights_read_once(task):
        if isinstance(sampler, BeamSearch):
            return sampler.decode(task.next_logits, draft, num_tokens, stop_token_ids)
        return decode(task.next_logits, sampler, draft, num_tokens, stop_token_ids, seed)


def bucket(length):
    """The next power of two, 16 at least: few sizes to compile for, in Python or in a graph.

    Args:
        length: int or scalar int tensor.

    Returns:
        Scalar int32 tensor.
    """
    powers = 2 ** tf.range(4, 31)
    return tf.reduce_min(tf.boolean_mask(powers, powers >= tf.cast(length, tf.int32)))


def _write(task, texts, request):
    """Yields `(rows, new text of each row)` after each chunk; the B * N rows are complete at last."""
    prompts = task.preprocessor.prompts(texts)
    length = prompts["token_ids"].shape[1]
    _check_room(task, length, request.max_new_tokens)
    sampler, num_rows = request.sampler, request.num_samples
    copies = max(getattr(sampler, "num_beams", 1), num_rows)
    draft = start_function(task)(
        **task.preprocessor.prompts(texts, bucket(length)),
        num_tokens=bucket(request.max_new_tokens),
        copies=copies,
    )
    proceed = continue_function(task, sampler, draft)
    token_bytes = task.preprocessor.tokenizer.token_bytes
    rows = [Row(token_bytes, request.stop_strings) for _ in range(len(texts) * num_rows)]
    for chunk in request.chunks():
        shown = int(draft.index) + 1
        draft = proceed(draft, _numbers(sampler), chunk, request.stop_token_ids, [request.seed, 0])
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


def start_function(task):
    """Returns the graph `(token_ids, padding_mask, num_tokens, copies) -> Draft` for any shapes."""
    # XLA compiles the inner function once for each shape that it meets; lengths come in buckets.
    read = tf.function(task.start_draft, jit_compile=True, autograph=False)

    def start(token_ids, padding_mask, num_tokens, copies):
        room = tf.ones([tf.shape(token_ids)[0], num_tokens], tf.bool)
        draft = read(token_ids, tf.concat([padding_mask, room], axis=1))
        return tf.nest.map_structure(
            lambda x: tf.repeat(x, copies, axis=0) if x.shape.rank else x, draft
        )

    scalar = tf.TensorSpec([], tf.int32)
    signature = [
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None, None], tf.bool),
        scalar,
        scalar,
    ]
    return task.graph("start", lambda: tf.function(start, signature, autograph=False))


def continue_function(task, sampler, draft):
    """Returns the graph that continues drafts like `draft`, for any shapes and settings."""
    numbers = _numbers(sampler)

    def proceed(draft, numbers, num_tokens, stop_token_ids, seed):
        settled = dataclasses.replace(sampler, **numbers)
        return write_draft(task, draft, settled, num_tokens, stop_token_ids, seed)

    def any_shape(x):
        return tf.TensorSpec([None] * x.shape.rank, x.dtype)

    signature = [
        tf.nest.map_structure(any_shape, draft),
        tf.nest.map_structure(any_shape, numbers),
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([2], tf.int32),
    ]
    fixed = dataclasses.replace(sampler, **dict.fromkeys(numbers, 1))
    write = functools.partial(tf.function, jit_compile=True, autograph=False)
    return task.graph(("continue", fixed), lambda: write(proceed, signature))


def _score_function(task):
    signature = [tf.TensorSpec([None], tf.string)]

    def score(texts):
        return score_texts(task, texts)

    return task.graph("score", lambda: tf.function(score, signature, autograph=False))


def _numbers(sampler):
    """The settings that can change without a new graph, as tensors."""
    if isinstance(sampler, BeamSearch):
        return {"length_penalty": tf.constant(sampler.length_penalty, tf.float32)}
    floats = ("temperature", "top_p", "min_p", "repetition_penalty")
    values = {name: getattr(sampler, name) for name in (*floats, "top_k")}
    return {
        name: tf.constant(value, tf.float32 if name in floats else tf.int32)
        for name, value in values.items()
        if value is not None
    }


def _sampler(sampler, sampling, num_samples, stream):
    if sampler is None:
        return Sampler(**sampling)
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


def _stop_tokens(tokenizer, stop_token_ids):
    if stop_token_ids is not None:
        return list(stop_token_ids)
    return [] if tokenizer.end_token_id is None else [tokenizer.end_token_id]


def _at_least_one(name, value):
    if value < 1:
        raise ValueError(f"`{name}` must be 1 or more; received {value}.")
    return value


def _strings(texts):
    if isinstance(texts, (str, bytes)):
        texts = [texts]
    elif isinstance(texts, tf.data.Dataset):
        texts = [text for batch in texts.as_numpy_iterator() for text in np.atleast_1d(batch)]
    elif tf.is_tensor(texts):
        texts = texts.numpy()
    texts = [text.decode() if isinstance(text, bytes) else text for text in texts]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise TypeError(
            "Expected a string, a list of strings or a dataset of strings, at least one; "
            f"received {texts!r:.100}."
        )
    return texts


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
