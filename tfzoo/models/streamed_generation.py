"""Texts that a served model writes piece by piece; what it remembers goes out and comes in again.

B rows, S slots, L layers, H heads, K head_dim. A task is as in `generation_graphs`.
"""

import tensorflow as tf

from tfzoo.layers import KeyValueCache
from tfzoo.models.generation_graphs import (
    CHUNK,
    FIRST_CHUNK,
    continue_draft,
    count_new,
    count_prompt,
    read_prompts,
    with_settings_checked,
)
from tfzoo.samplers import Draft

SETTINGS = ("temperature", "top_k", "top_p", "seed")


def start_texts(task, text, max_new_tokens, **settings):
    """The graph of the `generate_start` signature; see `GPTCausalLM.serving_functions`."""
    ranged = [settings[name] for name in ("temperature", "top_k", "top_p")]
    text = with_settings_checked(text, max_new_tokens, *ranged)
    draft = read_prompts(task, text, max_new_tokens)
    carried = {
        "pending": tf.fill(tf.shape(text), ""),
        "remaining": max_new_tokens,
        "num_prompt_tokens": count_prompt(draft),
        **settings,
    }
    return _write(task, draft, FIRST_CHUNK, carried)


def continue_texts(task, **state):
    """The graph of the `generate_continue` signature; `state` is what the call before gave."""
    return _write(task, _draft_of(state), CHUNK, state)


def state_specs(task):
    """What `start_texts` gives and `continue_texts` takes: the specs of `_write`, by name."""
    backbone = task.backbone
    num_layers, num_heads = backbone.num_layers, backbone.num_heads
    memory = [None, num_layers, num_heads, None, backbone.hidden_dim // num_heads]
    specs = {
        "token_ids": ([None, None], tf.int32),
        "written": ([None, None], tf.bool),
        "finished": ([None], tf.bool),
        "index": ([], tf.int32),
        "keys": (memory, backbone.compute_dtype),
        "values": (memory, backbone.compute_dtype),
        "padding_mask": ([None, None], tf.bool),
        "pending": ([None], tf.string),
        "remaining": ([], tf.int32),
        "num_prompt_tokens": ([None], tf.int32),
        "temperature": ([], tf.float32),
        "top_k": ([], tf.int32),
        "top_p": ([], tf.float32),
        "seed": ([], tf.int32),
    }
    return [tf.TensorSpec(*spec, name) for name, spec in specs.items()]


def _write(task, draft, chunk, carried):
    """Writes up to `chunk` tokens; returns what is new and all that the next call needs."""
    remaining, ended_before = carried["remaining"], draft.finished
    start, chunk = draft.index + 1, tf.minimum(chunk, remaining)
    draft = continue_draft(task, draft, chunk, **{name: carried[name] for name in SETTINGS})
    tokens = tf.ragged.boolean_mask(draft.token_ids[:, start:], draft.written[:, start:])
    data = tf.strings.join([carried["pending"], task.preprocessor.tokenizer.detokenize(tokens)])
    finished = draft.finished | (remaining <= chunk)
    held = tf.where(finished, 0, unfinished_bytes(data))
    shown = tf.strings.length(data) - held
    certain = tf.strings.substr(data, tf.zeros_like(shown), shown)
    state = {
        **carried,
        **_state_of(draft),
        "finished": finished,
        "pending": tf.strings.substr(data, shown, held),
        "remaining": remaining - chunk,
    }
    state = {spec.name: tf.ensure_shape(state[spec.name], spec.shape) for spec in state_specs(task)}
    new = {
        "new_text": tf.strings.unicode_transcode(certain, "UTF-8", "UTF-8"),
        "num_new_tokens": count_new(draft, start, draft.finished & ~ended_before),
    }
    return {**new, **state}


def unfinished_bytes(data):
    """How many bytes at the end of strings (B,) may begin a character that goes on; int32 (B,).

    A byte from 0xC0 on begins a character of two bytes or more, one from 0xE0 on of three or more,
    one from 0xF0 on of four. Where it stands so near the end that bytes are missing, all from there
    are held back; what comes before it does not depend on it, even in broken text.
    """
    last = tf.strings.substr(tf.strings.join(["   ", data]), -3, 3)
    third, second, first = tf.unstack(tf.io.decode_raw(last, tf.uint8), num=3, axis=1)
    held = tf.where(third >= 0xF0, 3, 0)
    held = tf.where(second >= 0xE0, 2, held)
    return tf.where(first >= 0xC0, 1, held)


def _state_of(draft):
    return {
        "token_ids": draft.token_ids,
        "written": draft.written,
        "index": draft.index,
        "keys": tf.stack(draft.memory.keys, axis=1),
        "values": tf.stack(draft.memory.values, axis=1),
        "padding_mask": draft.memory.padding_mask,
    }


def _draft_of(state):
    keys, values = (tuple(tf.unstack(state[name], axis=1)) for name in ("keys", "values"))
    return Draft(
        token_ids=state["token_ids"],
        written=state["written"],
        log_probs=tf.zeros(tf.shape(state["token_ids"])),
        finished=state["finished"],
        index=state["index"],
        # The last token written is the next one to be read.
        memory=KeyValueCache(keys, values, state["padding_mask"], state["index"]),
    )
