"""A bundle for each tab, of a few operations: what they compute is plain to see."""

import json

import tensorflow as tf

from tests.serving import bundles as served

TEXT = tf.TensorSpec([None], tf.string, "text")


class Drawer(tf.Module):
    """Images of 2 x 3 pixels of one grey: a quarter of the first latent number, less the class."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 5], tf.float32, "latents"),
            tf.TensorSpec([None], tf.int32, "labels"),
        ]
    )
    def generate_from_latent(self, latents, labels):
        grey = latents[:, 0] / 4 - tf.cast(labels, tf.float32) / 4
        return {"samples": tf.clip_by_value(grey, -1, 1)[:, None, None, None] * tf.ones([2, 3, 1])}


class Filler(tf.Module):
    """For each `[MASK]` the same three guesses, of which top_k are given."""

    @tf.function(input_signature=[TEXT, tf.TensorSpec([], tf.int32, "top_k")])
    def fill_mask(self, text, top_k):
        parts = tf.strings.split(text, "[MASK]")
        count = tf.cast(parts.row_lengths(), tf.int32) - 1
        shape = [tf.shape(text)[0], tf.reduce_max(count), top_k]
        tokens = tf.constant(["<b>", "blue", "red"])[:top_k]
        shares = tf.constant([0.5, 0.25, 0.125])[:top_k]
        return {
            "tokens": tf.broadcast_to(tokens, shape),
            "probabilities": tf.broadcast_to(shares, shape),
            "count": count,
        }


class Tagger(tf.Module):
    """Of texts of 7 characters and more, 3 to 7 is a place and 0 to 2 a person."""

    @tf.function(input_signature=[TEXT])
    def tag(self, text):
        num = 2 * tf.cast(tf.strings.length(text, "UTF8_CHAR") >= 7, tf.int32)
        row = tf.ones_like(num)[:, None]
        return {
            "num_entities": num,
            "start": row * [3, 0],
            "end": row * [7, 2],
            "label": tf.gather(["LOC", "PER"], row * [0, 1]),
            "text": tf.gather(["", ""], row * [0, 1]),
            "score": tf.cast(row, tf.float32) * [0.75, 0.5],
        }


class Answerer(tf.Module):
    """The answer stands from character 2 to character 5, but for the question "?"."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "question"),
            tf.TensorSpec([None], tf.string, "context"),
        ]
    )
    def answer(self, question, context):
        known = tf.cast(question != "?", tf.int32)
        start, end = 2 * known, 5 * known
        text = tf.strings.substr(context, start, end - start, "UTF8_CHAR")
        score = 0.25 + 0.5 * tf.cast(known, tf.float32)
        return {"text": text, "start": start, "end": end, "score": score}


class Embedder(tf.Module):
    """The length of a text in tens is an angle: similar is what is about as long."""

    @tf.function(input_signature=[TEXT])
    def embed(self, text):
        angle = tf.cast(tf.strings.length(text), tf.float32) / 10
        return {"vector": tf.stack([tf.cos(angle), tf.sin(angle)], axis=1)}


MODELS = {
    "letters": (served.Writer, "generation", ["generate_start", "generate_continue"]),
    "greys": (Drawer, "images", ["generate_from_latent"]),
    "masks": (Filler, "masked_lm", ["fill_mask"]),
    "lengths": (served.Classifier, "classification", ["classify"]),
    "names": (Tagger, "tokens", ["tag"]),
    "places": (Answerer, "answers", ["answer"]),
    "angles": (Embedder, "embedding", ["embed"]),
}
NOTES = {
    "letters": {"limits": {"max_sequence_length": 61}},
    "greys": {"limits": {"num_classes": 3}},
    "lengths": {"class_names": served.CLASS_NAMES},
}


def save_all(folder):
    """Writes them into a folder, and gives `{name: folder}`."""
    for name, (module, task, signatures) in MODELS.items():
        default = {"default_signature": signatures[0]}
        served.save(
            module(), folder / name / "1", signatures, task=task, **default, **NOTES.get(name, {})
        )
    return {name: folder / name for name in MODELS}


def save_untold(folder):
    """A bundle whose task has no tab."""
    served.save(Embedder(), folder / "1", ["embed"])
    (folder / "tfzoo.json").write_text(json.dumps({"format": 1, "task": "arithmetic"}))
    return folder
