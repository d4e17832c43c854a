"""Minutes of mixed load on `tfzoo serve`, with a new version in the middle: is anything lost?

    python scripts/soak_serving.py --minutes 10
    python scripts/soak_serving.py --minutes 1   # does it run?

Clients classify and continue texts, one after the other, and compare each answer with what the bare
SavedModel says; others send what is wrong, and want a 4xx with a sentence. Halfway a second version
of both models appears: from then on answers are those of either, and in the end of the new one
alone. Memory must be flat: its median in the last fifth within 5 % of that in the fifth before the
new version. Exit code 1 if anything of it is not so.
"""

import argparse
import collections
import http.client
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from benchmarks.serving import post, serving

import tfzoo

TEXTS = [f"{word} number {number}" for number in range(8) for word in ("Open", "A socket", "é")]
NEW_TOKENS = 8
GPT = dict(num_layers=1, num_heads=2, hidden_dim=16, max_sequence_length=64)
WRONG = [
    ("reader", '{"inputs": ["a"'),
    ("reader", '{"inputs": ' + "[" * 5000 + "]" * 5000 + "}"),
    ("reader", {"inputs": [1.5]}),
    ("reader", {"inputs": {"words": ["a"]}}),
    ("reader", {"instances": []}),
    ("reader", {"inputs": ["a"], "signature_name": "no"}),
    ("writer", {"inputs": {"text": ["a"], "max_new_tokens": 10**12}}),
    ("writer", {"inputs": {"text": ["a" * 100], "max_new_tokens": NEW_TOKENS}}),
    ("nobody", {"inputs": ["a"]}),
]


def main():
    arguments = parse()
    seconds = 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as folder:
        bundles = Path(folder, "reader"), Path(folder, "writer")
        later = Path(folder, "later", "reader"), Path(folder, "later", "writer")
        expected = [export(bundles, version=1)]
        new = export(later, version=2)
        with serving(*bundles) as server:
            soak = Soak(server, expected)
            threads = [threading.Thread(target=soak.send, args=[n]) for n in range(8)]
            threads.append(threading.Thread(target=soak.send_wrong))
            for thread in threads:
                thread.start()
            memory = watch(server, seconds / 2)
            expected.insert(0, new)
            for bundle, aside in zip(bundles, later, strict=True):
                (aside / "2").rename(bundle / "2")
            soak.wait_for_new_version()
            memory += watch(server, seconds / 2)
            soak.end.set()
            for thread in threads:
                thread.join()
    sys.exit(report(soak, memory))


class Soak:
    """Clients, and what they saw.

    Args:
        server: that they ask.
        expected: answers by version, the newest first: `{(model, text): answer}`.
    """

    def __init__(self, server, expected):
        self.server, self.expected = server, expected
        self.end, self.settled = threading.Event(), threading.Event()
        self.seen, self.wrong = collections.Counter(), []

    def send(self, number):
        """Sends texts to both models, and looks whether the answers are right."""
        connection = self.server.connect()
        while not self.end.is_set():
            number += 1
            model, text = ("reader", "writer")[number % 2], TEXTS[number % len(TEXTS)]
            only_new = self.settled.is_set()
            inputs = {"text": [text]}
            if model == "writer":
                inputs["max_new_tokens"] = NEW_TOKENS
            try:
                status, answer = post(connection, f"/v1/models/{model}:predict", {"inputs": inputs})
            except (OSError, http.client.HTTPException) as error:
                connection = self.server.connect()
                status, answer = "lost", repr(error)
            self.seen[model, str(status)] += 1
            known = self.expected[:1] if only_new else self.expected
            if status != 200 or not any(same(answer["outputs"], k[model, text]) for k in known):
                self.wrong.append((model, text, status, answer))

    def send_wrong(self):
        """Sends what is wrong, and looks whether it is said."""
        connection, number = self.server.connect(), 0
        while not self.end.is_set():
            model, body = WRONG[number % len(WRONG)]
            number += 1
            status, answer = post(connection, f"/v1/models/{model}:predict", body)
            self.seen["wrong", str(status)] += 1
            if not 400 <= status < 500 or not answer.get("error"):
                self.wrong.append((model, str(body)[:80], status, answer))
            time.sleep(0.05)

    def wait_for_new_version(self):
        """Until both models have it; from then on no other answer is right."""
        connection = self.server.connect()
        for model in ("reader", "writer"):
            status = 404
            while status == 404:
                time.sleep(0.2)
                connection.request("GET", f"/v1/models/{model}/versions/2/metadata")
                response = connection.getresponse()
                status = response.status
                response.read()
        self.settled.set()


def export(bundles, version):
    """Writes a version of both models, with weights of its own, and says what it answers."""
    tokenizer = tfzoo.preprocessing.WordPieceTokenizer.train(TEXTS * 4, vocabulary_size=60)
    backbone = tfzoo.models.BertBackbone(tokenizer.vocabulary_size, 1, 2, 16)
    reader = tfzoo.models.BertTextClassifier(
        backbone,
        tfzoo.preprocessing.TextClassifierPreprocessor(tokenizer, sequence_length=16),
        class_names=["one", "two", "three"],
    )
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(
        tfzoo.preprocessing.ByteTokenizer(), sequence_length=32
    )
    writer = tfzoo.models.GPTCausalLM(tfzoo.models.GPTBackbone(257, **GPT), preprocessor)
    answers = {}
    for bundle, model in zip(bundles, (reader, writer), strict=True):
        model.set_weights([5 * w if w.ndim > 1 else w for w in model.get_weights()])
        place = tfzoo.export_bundle(model, bundle, version)
        answers |= {(bundle.name, text): answer for text, answer in call(place, bundle.name)}
    return answers


def call(place, name):
    """What the bare SavedModel answers to each text."""
    loaded = tf.saved_model.load(str(place))  # signatures alone do not keep their variables
    signatures = loaded.signatures
    for text in TEXTS:
        if name == "reader":
            yield text, signatures["classify"](text=tf.constant([text]))["probabilities"].numpy()
            continue
        settings = dict(temperature=0.0, top_k=0, top_p=1.0, seed=0)
        settings = {key: tf.constant(value) for key, value in settings.items()}
        count = tf.constant(NEW_TOKENS)
        outputs = signatures["generate"](text=tf.constant([text]), max_new_tokens=count, **settings)
        yield text, [one.decode() for one in outputs["text"].numpy()]


def same(answer, expected):
    if isinstance(expected, list):
        return answer["text"] == expected
    return np.allclose(answer["probabilities"], expected, atol=1e-4)


def watch(server, seconds):
    """Bytes of memory, twice a second."""
    memory, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        memory.append(server.memory())
        time.sleep(0.5)
    return memory


def report(soak, memory):
    """Prints what was seen; 1 if something is wrong."""
    print("| what | status | requests |\n| --- | --- | --- |")
    for (what, status), count in sorted(soak.seen.items()):
        print(f"| {what} | {status} | {count:,} |")
    fifth, middle = max(1, len(memory) // 5), len(memory) // 2
    before = statistics.median(memory[max(0, middle - fifth) : middle])
    after = statistics.median(memory[-fifth:])
    print(f"\nMemory: {before / 2**20:,.0f} MiB before the new version, {after / 2**20:,.0f} after")
    print(f"it, {after / before - 1:+.1%}. Wrong or lost answers: {len(soak.wrong)}.")
    for one in soak.wrong[:5]:
        print(one)
    return int(bool(soak.wrong) or abs(after / before - 1) > 0.05)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    main()
