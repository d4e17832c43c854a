"""Times `tfzoo serve` against the same SavedModel, called one request at a time without a server.

    python scripts/benchmark_serving.py           # about 20 minutes on two cores
    python scripts/benchmark_serving.py --quick   # tiny networks, half a second a row: does it run?

A classifier of BERT-base's shape reads one text of up to 128 tokens in each request; a writer of
GPT-2-small's shape adds 32 tokens to a prompt of 32. Each has 1, 8 and 32 clients on loopback, each
of which sends a request when the one before is answered. Clients share the machine's cores with the
server. Weights are random, which changes no time. What the server costs is p50 with one client
less p50 of the bare call.
"""

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from benchmarks import machine
from benchmarks.serving import load, post, row, serving

import tfzoo

CLIENTS = (1, 8, 32)
HEAD = ["", "clients", "requests/s", "x bare call", "p50 ms", "p99 ms"]
PROMPT, NEW_TOKENS = 32, 32


def main():
    arguments = parse()
    print(f"`python {shlex.join(['scripts/benchmark_serving.py', *sys.argv[1:]])}`\n")
    print(machine.describe(), end="\n\n", flush=True)
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}", flush=True)
    for build in (classifier, writer):
        title = build.__name__
        if arguments.only not in (None, title):
            continue
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder, title)
            model, signature, requests = build(arguments.quick)
            tfzoo.export(model, bundle / "1")
            del model
            measure(title, bundle, signature, requests, arguments.seconds)


def measure(title, bundle, signature, requests, seconds):
    """Prints rows of the table: the bare call, then the server by number of clients."""
    latencies, expected = call_bare(bundle, signature, requests, seconds)
    bare = len(latencies) / sum(latencies)
    print_row(row(f"{title}, bare call", 1, latencies, sum(latencies), bare))
    path = f"/v1/models/{title}:predict"
    bodies = [{"signature_name": signature, "inputs": inputs} for inputs in requests]
    with serving(bundle) as server:
        connection = server.connect()
        assert post(connection, path, bodies[0])[1] == {"outputs": expected}, "a wrong answer"
        # XLA compiles the writer for each size of a batch that it meets.
        for size in (1, 2, 4, 8, 16, 32):
            texts = size * requests[0]["text"]
            inputs = {**requests[0], "text": texts}
            status, answer = post(connection, path, {**bodies[0], "inputs": inputs})
            assert status == 200, answer
        for clients in CLIENTS:
            print_row(row(title, clients, *load(server, path, bodies, clients, seconds), bare))


def call_bare(bundle, signature, requests, seconds):
    """Seconds of calls of the SavedModel, one after the other, and the first answer as JSON."""
    loaded = tf.saved_model.load(str(bundle / "1"))
    specs = loaded.signatures[signature].structured_input_signature[1]

    def call(inputs):
        tensors = {name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}
        outputs = loaded.signatures[signature](**tensors)
        return {name: value.numpy().tolist() for name, value in outputs.items()}

    for inputs in requests[:3]:
        call(inputs)
    latencies, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or not latencies:
        start = time.perf_counter()
        call(requests[len(latencies) % len(requests)])
        latencies.append(time.perf_counter() - start)
    # As JSON has it: strings where TensorFlow has bytes.
    outputs = json.loads(json.dumps(call(requests[0]), default=bytes.decode))
    return latencies, outputs if len(outputs) > 1 else next(iter(outputs.values()))


def classifier(quick):
    """BERT-base's shape, nine classes of docstrings; one text in each request."""
    corpus = tfzoo.data.docstring_areas()
    tokenizer = tfzoo.preprocessing.WordPieceTokenizer.train(
        corpus.train.texts[:500], vocabulary_size=1000
    )
    shape = tfzoo.models.BERT_TINY if quick else tfzoo.models.BERT_BASE
    backbone = tfzoo.models.BertBackbone(tokenizer.vocabulary_size, **shape)
    preprocessor = tfzoo.preprocessing.TextClassifierPreprocessor(tokenizer, sequence_length=128)
    names = corpus.train.class_names
    model = tfzoo.models.BertTextClassifier(backbone, preprocessor, class_names=names)
    return model, "classify", [{"text": [text]} for text in corpus.test.texts[:100]]


def writer(quick):
    """GPT-2-small's shape over bytes; the likeliest token, always."""
    tokenizer = tfzoo.preprocessing.ByteTokenizer()
    shape = tfzoo.models.GPT_NANO if quick else tfzoo.models.GPT_SMALL
    backbone = tfzoo.models.GPTBackbone(50257, **shape)
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(tokenizer, sequence_length=64)
    model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
    settings = dict(max_new_tokens=NEW_TOKENS, temperature=0.0, top_k=0, top_p=1.0, seed=0)
    prompts = [chr(ord("a") + number) * PROMPT for number in range(26)]
    return model, "generate", [{"text": [prompt], **settings} for prompt in prompts]


def print_row(cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120, help="for each row of the table")
    parser.add_argument("--only", choices=["classifier", "writer"])
    parser.add_argument("--quick", action="store_true", help="tiny networks, half a second a row")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds = 0.5
    return arguments


if __name__ == "__main__":
    main()
