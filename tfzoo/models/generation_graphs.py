"""The graphs that write texts: compiled once, for training's models and for served ones alike.

B rows, P prompt length, S slots. A task has `backbone`, `preprocessor`, `start_draft` and
`next_logits`; see `GPTCausalLM`.
"""

import dataclasses
import functools
from collections.abc import Iterable

import keras
import tensorflow as tf
from tensorflow.compiler.tf2xla.ops.gen_xla_ops import xla_optimization_barrier

from tfzoo.samplers import BeamSearch, Sampler, decode

# Each call of the compiled loop reads all weights once before it starts: a stream shows its first
# token at once and the others in small groups.
FIRST_CHUNK, CHUNK = 1, 8


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
    """Returns the graph that continues drafts like `draft`, for any shapes and settings.

    Where a single row is a case of its own, a draft that is known to have one gets another graph.
    """
    numbers = numbers_of(sampler)
    num_rows = 1 if draft.token_ids.shape[0] == 1 and is_narrow(task) else None

    def proceed(draft, numbers, num_tokens, stop_token_ids, seed):
        settled = dataclasses.replace(sampler, **numbers)
        return write_draft(task, draft, settled, num_tokens, stop_token_ids, seed)

    def any_shape(x):
        shape = [num_rows, *[None] * (x.shape.rank - 1)] if x.shape.rank else []
        return tf.TensorSpec(shape, x.dtype)

    signature = [
        tf.nest.map_structure(any_shape, draft),
        tf.nest.map_structure(any_shape, numbers),
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([2], tf.int32),
    ]
    fixed = dataclasses.replace(sampler, **dict.fromkeys(numbers, 1.0))
    write = functools.partial(tf.function, jit_compile=True, autograph=False)
    return task.graph(("continue", fixed, num_rows), lambda: write(proceed, signature))


def write_draft(task, draft, sampler, num_tokens, stop_token_ids, seed):
    """Continues a `Draft` by a `Sampler` or `BeamSearch`, in one graph."""
    network = with_weights_read_once(task, task.next_logits, draft.token_ids.shape[0])
    if isinstance(sampler, BeamSearch):
        return sampler.decode(network, draft, num_tokens, stop_token_ids)
    return decode(network, sampler, draft, num_tokens, stop_token_ids, seed)


def with_weights_read_once(model, network, num_rows):
    """`network(token_ids, memory)` for a loop: weights are read, and cast, once before it.

    A loop that reads variables in its body copies the embeddings and casts all weights at every
    token, which takes longer than the arithmetic.

    Args:
        model: the `keras.Model` whose weights `network` uses.
        network: callable `(token_ids (B, 1), memory)`.
        num_rows: int B, or None where it is not known.

    Returns:
        A callable like `network`.
    """
    variables = [variable for variable in model.variables if "float" in variable.dtype]
    # On CPUs XLA multiplies in float32 only, and would convert all weights before the loop: twice
    # the bytes to read for each token, and to read weights is what a single row waits for. With
    # more rows the products count, and to convert at each token costs more than it saves.
    narrow = num_rows == 1 and is_narrow(model) and not tf.executing_eagerly()
    turned = [narrow and variable.name == "kernel" for variable in variables]

    def turn(tensors):
        pairs = zip(tensors, turned, strict=True)
        return [tf.transpose(tensor) if is_turned else tensor for tensor, is_turned in pairs]

    # Each output of a turned kernel is computed from numbers that lie side by side.
    weights = turn(tf.cast(variable.value, model.compute_dtype) for variable in variables)

    def with_weights(token_ids, memory):
        here = weights
        if narrow:
            # Behind the barrier they seem to depend on the token: no conversion leaves the loop.
            *here, token_ids = xla_optimization_barrier([*weights, token_ids])
        scope = keras.StatelessScope()
        for variable, weight in zip(variables, turn(here), strict=True):
            scope.add_update((variable, weight))
        with scope:
            return network(token_ids, memory)

    return with_weights


def is_narrow(model):
    """Whether it computes in fewer bits than float32, so that a single row is a case of its own."""
    return model.compute_dtype in ("bfloat16", "float16")


def bucket(length):
    """The next power of two, 16 at least: few sizes to compile for, in Python or in a graph.

    Args:
        length: int or scalar int tensor.

    Returns:
        Scalar int32 tensor.
    """
    powers = 2 ** tf.range(4, 31)
    return tf.reduce_min(tf.boolean_mask(powers, powers >= tf.cast(length, tf.int32)))


def fill_bucket(token_ids, padding_mask):
    """Pads prompts (B, P) on the left up to the next `bucket`."""
    length = tf.shape(token_ids)[1]
    room = [[0, 0], [bucket(length) - length, 0]]
    return {"token_ids": tf.pad(token_ids, room), "padding_mask": tf.pad(padding_mask, room)}


def generate_texts(task, text, max_new_tokens, temperature, top_k, top_p, seed):
    """The graph of the `generate` signature; see `GPTCausalLM.serving_functions`."""
    tokenizer = task.preprocessor.tokenizer
    text = with_settings_checked(text, max_new_tokens, temperature, top_k, top_p)
    draft = read_prompts(task, text, max_new_tokens)
    start = draft.index + 1
    num_prompt_tokens = count_prompt(draft)
    draft = continue_draft(task, draft, max_new_tokens, temperature, top_k, top_p, seed)
    tokens = tf.ragged.boolean_mask(draft.token_ids[:, start:], draft.written[:, start:])
    written = tf.strings.unicode_transcode(tokenizer.detokenize(tokens), "UTF-8", "UTF-8")
    return {
        "text": tf.strings.join([text, written]),
        "finished": draft.finished,
        "num_prompt_tokens": num_prompt_tokens,
        "num_new_tokens": count_new(draft, start, draft.finished),
    }


def with_settings_checked(text, max_new_tokens, temperature, top_k, top_p):
    """`text`, after all settings were found within their ranges; else a sentence is raised."""
    is_warmth = tf.math.is_finite(temperature) & (temperature >= 0)
    rules = [
        (max_new_tokens >= 1, "`max_new_tokens` must be 1 or more; received", max_new_tokens),
        (is_warmth, "`temperature` must be 0 or more, and finite; received", temperature),
        (top_k >= 0, "`top_k` must be 0, for all, or more; received", top_k),
        ((top_p > 0) & (top_p <= 1), "`top_p` must be above 0 and 1 at most; received", top_p),
    ]
    with tf.control_dependencies([tf.debugging.Assert(ok, [said, x]) for ok, said, x in rules]):
        return tf.identity(text)


def count_prompt(draft):
    """Tokens of each prompt that nothing has been added to; int32 (B,)."""
    return tf.reduce_sum(tf.cast(draft.written, tf.int32), axis=1)


def count_new(draft, start, stopped):
    """Tokens in the slots from `start` on, but for the stop token of `stopped` rows; int32 (B,).

    So who has all tokens that were asked for was cut, and who has fewer has ended.
    """
    written = tf.reduce_sum(tf.cast(draft.written[:, start:], tf.int32), axis=1)
    return written - tf.cast(stopped, tf.int32)


def read_prompts(task, text, max_new_tokens):
    """Strings (B,) to a `Draft` with room for so many new tokens, inside a graph."""
    prompts = task.preprocessor.prompts(text)
    limit = task.backbone.max_sequence_length
    length = tf.shape(prompts["token_ids"])[1] + max_new_tokens
    said = f"Prompt and `max_new_tokens` together must have at most {limit} tokens; received"
    fits = tf.debugging.Assert(length <= limit, [said, length])
    with tf.control_dependencies([fits]):
        prompts = fill_bucket(**prompts)
    return start_function(task)(**prompts, num_tokens=bucket(max_new_tokens), copies=1)


def continue_draft(task, draft, num_tokens, temperature, top_k, top_p, seed):
    """Continues a `Draft` inside a graph, by settings that are tensors."""
    sampler = Sampler(temperature=temperature, top_k=top_k, top_p=top_p)
    stop_token_ids = tf.constant(stop_tokens(task.preprocessor.tokenizer, None), tf.int32)
    settings = numbers_of(sampler), num_tokens, stop_token_ids, [seed, 0]

    def proceed(draft):
        return continue_function(task, sampler, draft)(draft, *settings)

    def proceed_alone():
        def alone(x):
            return tf.ensure_shape(x, [1, *x.shape[1:]]) if x.shape.rank else x

        return proceed(tf.nest.map_structure(alone, draft))

    if not is_narrow(task):
        return proceed(draft)
    return tf.cond(tf.shape(draft.token_ids)[0] == 1, proceed_alone, lambda: proceed(draft))


def score_texts(task, texts):
    """The graph of `score`: strings (B,) to ragged tokens and log-likelihoods, both (B, None)."""
    inputs, targets = task.preprocessor.shift(texts)
    if task.preprocessor.tokenizer.end_token_id is not None:
        inputs, targets = inputs[:, :-1], targets[:, :-1]
    length = tf.cast(inputs.bounding_shape(1), tf.int32)
    limit = task.backbone.max_sequence_length
    said = f"A text must have at most {limit} tokens, `evaluate` takes longer ones; received"
    with tf.control_dependencies([tf.debugging.Assert(length <= limit, [said, length])]):
        logits = task({"token_ids": inputs.to_tensor()}, training=False)
    log_probs = -tf.nn.sparse_softmax_cross_entropy_with_logits(
        targets.to_tensor(), tf.cast(logits, tf.float32)
    )
    return targets, tf.RaggedTensor.from_tensor(log_probs, targets.row_lengths())


def score_function(task):
    """Returns the graph of `score_texts`, for any number of texts."""
    signature = [tf.TensorSpec([None], tf.string)]

    def score(texts):
        return score_texts(task, texts)

    return task.graph("score", lambda: tf.function(score, signature, autograph=False))


def numbers_of(sampler):
    """The settings that can change without a new graph, as tensors."""
    if isinstance(sampler, BeamSearch):
        return {"length_penalty": tf.convert_to_tensor(sampler.length_penalty, tf.float32)}
    floats = ("temperature", "top_p", "min_p", "repetition_penalty")
    values = {name: getattr(sampler, name) for name in (*floats, "top_k")}
    return {
        name: tf.convert_to_tensor(value, tf.float32 if name in floats else tf.int32)
        for name, value in values.items()
        if value is not None
    }


def stop_tokens(tokenizer, stop_token_ids):
    """Returns the ids that end a text: those given, or else the tokenizer's end token."""
    if stop_token_ids is not None:
        several = isinstance(stop_token_ids, Iterable)
        return list(stop_token_ids) if several else [stop_token_ids]
    return [] if tokenizer.end_token_id is None else [tokenizer.end_token_id]
