"""An exported model where it is served: TensorFlow and the operations of tensorflow_text."""

import json
import pathlib
import time

import tensorflow as tf
import tensorflow_text  # noqa: F401


def generate(turns, target, folder, batch_size, new_tokens):
    """The `generate` signature, greedy; the exported model never writes its end token."""
    start = time.perf_counter()
    signature = tf.saved_model.load(target).signatures["generate"]
    loading = time.perf_counter() - start
    prompts = json.loads(pathlib.Path(folder, "prompts.json").read_text())[:batch_size]
    inputs = dict(
        text=tf.constant(prompts),
        max_new_tokens=tf.constant(new_tokens),
        temperature=tf.constant(0.0),
        top_k=tf.constant(0),
        top_p=tf.constant(1.0),
        seed=tf.constant(0),
    )
    start = time.perf_counter()
    texts = signature(**inputs)["text"].numpy()
    turns.ready(first_call=time.perf_counter() - start, loading=loading)
    assert all(len(text) > len(prompt) for text, prompt in zip(texts, prompts, strict=True))
    while True:
        signature(**inputs)["text"].numpy()
        turns.end(batch_size * new_tokens)
