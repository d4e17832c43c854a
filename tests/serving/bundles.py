"""Bundles of a few operations: what they compute is plain to see."""

import json

import tensorflow as tf

ALPHABET = "aé bc→d"  # of one to three bytes each; what was written ends behind the last
CHARACTERS = "UTF8_CHAR"
CLASS_NAMES = ["short", "middling", "long"]


class Arithmetic(tf.Module):
    """`scale`: x (B, 3) times `factor`, plus `offset`, the version's own; fails on 13."""

    def __init__(self, offset=0.0):
        super().__init__()
        self.offset = tf.Variable(offset)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 3], tf.float32, "x"),
            tf.TensorSpec([], tf.float32, "factor"),
        ]
    )
    def scale(self, x, factor):
        lucky = tf.debugging.assert_none_equal(x, 13.0, message="13 brings bad luck.")
        with tf.control_dependencies([lucky]):
            return {"y": x * factor + self.offset}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "n")])
    def square(self, n):
        return {"square": n * n, "half": tf.cast(n, tf.float32) / 2}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "data")])
    def swap(self, data):
        """Strings with their first byte behind all others."""
        rest = tf.strings.substr(data, 1, 10**6)
        swapped = tf.strings.join([rest, tf.strings.substr(data, 0, 1)])
        return {"swapped": swapped, "swapped_bytes": swapped}

    @tf.function(
        input_signature=[
            tf.TensorSpec([], tf.int32, "n"),
            tf.TensorSpec([], tf.int64, "seed"),
            tf.TensorSpec([], tf.bool, "negative"),
        ]
    )
    def count(self, n, seed, negative):
        numbers = tf.cast(tf.range(n), tf.int64) + seed
        return {"numbers": tf.where(negative, -numbers, numbers)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def inverse(self, x):
        return {"inverse": 1 / x}


class Classifier(tf.Module):
    """Texts of up to 3, up to 6 and more bytes, with three quarters of certainty."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def classify(self, text):
        length = tf.strings.length(text)
        number = tf.cast(length > 3, tf.int32) + tf.cast(length > 6, tf.int32)
        hit = tf.one_hot(number, 3)
        return {
            "label": tf.gather(CLASS_NAMES, number),
            "probability": tf.fill(tf.shape(number), 0.75),
            "probabilities": 0.75 * hit + 0.125 * (1 - hit),
        }


class Writer(tf.Module):
    """Goes on in the alphabet from the place that the prompt's length says; a token is a character.

    `generate_start` writes one of them, `generate_continue` two.
    """

    SETTINGS = [
        tf.TensorSpec([None], tf.string, "text"),
        tf.TensorSpec([], tf.int32, "max_new_tokens"),
        tf.TensorSpec([], tf.float32, "temperature"),
        tf.TensorSpec([], tf.int32, "top_k"),
        tf.TensorSpec([], tf.float32, "top_p"),
        tf.TensorSpec([], tf.int32, "seed"),
    ]
    STATE = [
        tf.TensorSpec([None], tf.int32, "place"),
        tf.TensorSpec([], tf.int32, "remaining"),
        tf.TensorSpec([None], tf.int32, "num_prompt_tokens"),
    ]

    @tf.function(input_signature=SETTINGS)
    def generate(self, text, max_new_tokens, temperature, top_k, top_p, seed):
        limit = tf.debugging.assert_less_equal(max_new_tokens, 50, "There is room for 50 tokens.")
        with tf.control_dependencies([limit]):
            new = self._write(start(text), max_new_tokens)
        return {"text": tf.strings.join([text, new]), **counted(text, new)}

    @tf.function(input_signature=SETTINGS)
    def generate_start(self, text, max_new_tokens, temperature, top_k, top_p, seed):
        limit = tf.debugging.assert_less_equal(max_new_tokens, 50, "There is room for 50 tokens.")
        with tf.control_dependencies([limit]):
            return self._step(start(text), max_new_tokens, tf.strings.length(text, CHARACTERS), 1)

    @tf.function(input_signature=STATE)
    def generate_continue(self, place, remaining, num_prompt_tokens):
        return self._step(place, remaining, num_prompt_tokens, 2)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def score(self, text):
        # Bytes, not characters: a text that is read anew may have another number of tokens.
        return {"num_tokens": tf.strings.length(text)}

    def _step(self, place, remaining, num_prompt_tokens, chunk):
        chunk = tf.minimum(chunk, remaining)
        text = self._write(place, chunk)
        place, remaining = place + chunk, remaining - chunk
        finished = (place >= len(ALPHABET)) | (remaining <= 0)
        return {
            "new_text": text,
            "place": place,
            "remaining": remaining,
            "num_prompt_tokens": num_prompt_tokens,
            "num_new_tokens": tf.strings.length(text, CHARACTERS),
            "finished": finished,
        }

    def _write(self, place, count):
        texts = tf.fill(tf.shape(place), ALPHABET)
        place = tf.minimum(place, len(ALPHABET))
        return tf.strings.substr(texts, place, tf.fill(tf.shape(place), count), CHARACTERS)


class PlainWriter(Writer):
    """One that does not tell how many tokens it read and wrote, as other people's may not."""

    @tf.function(input_signature=Writer.SETTINGS)
    def generate(self, text, max_new_tokens, temperature, top_k, top_p, seed):
        return {"text": tf.strings.join([text, self._write(start(text), max_new_tokens)])}


def counted(text, new):
    """The counts of `generate`."""
    return {
        "num_prompt_tokens": tf.strings.length(text, CHARACTERS),
        "num_new_tokens": tf.strings.length(new, CHARACTERS),
    }


def start(text):
    return tf.strings.length(text, CHARACTERS) % len(ALPHABET)


def continuation(text, count):
    """What `Writer` adds to a text."""
    place = len(text) % len(ALPHABET)
    return ALPHABET[place : place + count]


def save(module, folder, names, **notes):
    """Writes a module as a bundle's version, aside first, and `tfzoo.json` if there are notes."""
    signatures = {name: getattr(module, name) for name in names}
    aside = folder.parent.parent / f".{folder.parent.name}.{folder.name}"
    tf.saved_model.save(module, str(aside), signatures=signatures)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if notes:
        (folder.parent / "tfzoo.json").write_text(json.dumps({"format": 1, **notes}))
    aside.rename(folder)


def save_arithmetic(folder, offset=0.0):
    defaults = {"scale": {"inputs": {"factor": {"default": 2.0}}}}
    names = ["scale", "square", "swap", "count", "inverse"]
    notes = {"task": "arithmetic", "default_signature": "scale", "signatures": defaults}
    save(Arithmetic(offset), folder, names, **notes)


def save_classifier(folder):
    notes = {"task": "classification", "default_signature": "classify", "class_names": CLASS_NAMES}
    save(Classifier(), folder, ["classify"], **notes)


def save_writer(folder):
    save(Writer(), folder, ["generate", "generate_start", "generate_continue", "score"])
