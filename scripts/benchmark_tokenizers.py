"""How fast tokenizers run in the graph, on one core, beside Hugging Face and KerasHub.

    python scripts/benchmark_tokenizers.py
    python scripts/benchmark_tokenizers.py --data wikitext2/valid.txt --vocabulary gpt2
    python scripts/benchmark_tokenizers.py --kind word_piece --vocabulary bert_base_uncased

About one minute. Every contestant gets the same vocabulary and the same batches of 64 documents of
16 kB. It is made anew in each round, tokenizes one other document, so that its graph is traced,
and then the whole text twice: the first pass is how a corpus is tokenized, the second meets only
words that are in the caches of those that have one. Rounds are interleaved; MB/s are medians, in
processor time, so that what else runs on the machine counts little.
"""

import argparse
import os
import pathlib
import statistics
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"  # Hugging Face's threads
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_hub
import tensorflow as tf
import tokenizers

from tfzoo.data import python_stdlib
from tfzoo.preprocessing import BytePairTokenizer, WordPieceTokenizer

BATCH_SIZE = 64
DOCUMENT_CHARACTERS = 16_384
KINDS = {"byte_pair": BytePairTokenizer, "word_piece": WordPieceTokenizer}
PLAIN = "keras_hub, no specials"
TARGETS = {
    "byte_pair": {"tokenizers, batch": 0.5, "tokenizers, one by one": 0.5, "keras_hub": 20.0},
    "word_piece": {"keras_hub": 1.0},
}


def in_the_graph(tokenizer):
    tokenize = tf.function(tokenizer.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
    return lambda texts: tokenize(tf.constant(texts))


def contestants(kind, folder):
    """Name of each contestant and how to make its `tokenize(texts)`."""
    peer = str(folder / "tokenizer.json")
    all_of_them = {
        "tfzoo": lambda: in_the_graph(KINDS[kind].load(folder)),
        "tokenizers, batch": lambda: tokenizers.Tokenizer.from_file(peer).encode_batch,
        "tokenizers, one by one": lambda: _one_by_one(tokenizers.Tokenizer.from_file(peer)),
        "keras_hub": lambda: in_the_graph(keras_hub_tokenizer(kind, folder)),
    }
    if kind == "word_piece":  # the cheaper half of the work, and KerasHub's default
        all_of_them[PLAIN] = lambda: in_the_graph(keras_hub_tokenizer(kind, folder, specials=False))
    return all_of_them


def keras_hub_tokenizer(kind, folder, specials=True):
    """KerasHub's, told to do what the other two do, special tokens in the text included."""
    if kind == "byte_pair":
        files = dict(vocabulary=str(folder / "vocab.json"), merges=str(folder / "merges.txt"))
        return keras_hub.tokenizers.BytePairTokenizer(**files)
    return keras_hub.tokenizers.WordPieceTokenizer(
        str(folder / "vocab.txt"),
        lowercase=True,
        strip_accents=True,
        special_tokens=list(WordPieceTokenizer.load(folder).special_tokens),
        special_tokens_in_strings=specials,
    )


def _one_by_one(tokenizer):
    return lambda texts: [tokenizer.encode(text) for text in texts]


def seconds(tokenize, batches):
    start = time.process_time()
    for batch in batches:
        tokenize(batch)
    return time.process_time() - start


def num_equal(tokenizer, folder, documents):
    """Of how many documents the ids are those of Hugging Face."""
    peer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    expected = [e.ids for e in peer.encode_batch(documents, add_special_tokens=False)]
    found = in_the_graph(tokenizer)(documents).to_list()
    return sum(a == b for a, b in zip(found, expected, strict=True))


def read(arguments):
    """Documents to tokenize, and a tokenizer."""
    corpus = python_stdlib() if not (arguments.data and arguments.vocabulary) else None
    text = arguments.data.read_text("utf-8") if arguments.data else "".join(corpus.validation)
    starts = range(0, len(text), DOCUMENT_CHARACTERS)
    documents = [text[start : start + DOCUMENT_CHARACTERS] for start in starts]
    cls = KINDS[arguments.kind]
    if arguments.vocabulary:
        return documents, cls.load(arguments.vocabulary)
    return documents, cls.train(corpus.train, vocabulary_size=8_192)


def measure(kind, folder, documents, rounds):
    """Name -> seconds of the first and of the second pass, one pair for each round."""
    batches = [documents[i : i + BATCH_SIZE] for i in range(1, len(documents), BATCH_SIZE)]
    passes = {name: [] for name in contestants(kind, folder)}
    for _ in range(rounds):
        for name, make in contestants(kind, folder).items():
            tokenize = make()
            tokenize(documents[:1])
            passes[name].append([seconds(tokenize, batches) for _ in range(2)])
    return {name: list(zip(*pairs, strict=True)) for name, pairs in passes.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kind", choices=KINDS, default="byte_pair")
    parser.add_argument("--data", type=pathlib.Path, help="text file; default: Python's library")
    parser.add_argument("--vocabulary", type=pathlib.Path, help="folder; default: trained here")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    # One core for all, before TensorFlow counts the cores.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    documents, tokenizer = read(arguments)
    megabytes = sum(len(document.encode()) for document in documents[1:]) / 1e6
    print(
        f"{megabytes:.2f} MB in {len(documents) - 1} documents, {tokenizer.vocabulary_size} tokens"
    )
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder)
        folder = pathlib.Path(folder)
        peer = keras_hub_tokenizer(arguments.kind, folder)
        equal = [num_equal(t, folder, documents) for t in (tokenizer, peer)]
        print(f"ids of Hugging Face: ours in {equal[0]}, KerasHub's in {equal[1]} of ", end="")
        print(f"{len(documents)} documents, that for tracing included")
        passes = measure(arguments.kind, folder, documents, arguments.rounds)
    medians = {name: [statistics.median(p) for p in pair] for name, pair in passes.items()}
    print(f"{'':24}{'first pass':>16}{'second pass':>16}{'tfzoo is':>12}{'to reach':>10}")
    for name, (first, second) in medians.items():
        times, target = first / medians["tfzoo"][0], TARGETS[arguments.kind].get(name)
        aim = f"{target:9.1f}x" if target else ""
        speeds = f"{megabytes / first:11.2f} MB/s{megabytes / second:11.2f} MB/s"
        print(f"{name:24}{speeds}{times:11.1f}x{aim}")


if __name__ == "__main__":
    main()
