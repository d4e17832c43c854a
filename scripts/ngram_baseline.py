"""What counting does to the text of `train_gpt.py`: character n-grams, in nats per character.

    python scripts/ngram_baseline.py --data tiny_shakespeare --data-dir DIR

A minute or two. The same cut and the same score, but for the context, which here never starts anew.
Orders are blended by Witten and Bell's rule, and by Kneser and Ney's, with the discount that Ney,
Essen and Kneser estimate from the numbers of n-grams seen once and twice; nothing is tuned. Source:
Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", 1998.
"""

import argparse
import math
from collections import Counter

from train_gpt import load


def ngrams(text, order):
    return Counter(text[i : i + order] for i in range(len(text) - order + 1))


def continuations(counts):
    """In how many different places each n-gram one shorter was seen."""
    return Counter(ngram[1:] for ngram in counts)


class WittenBell:
    """A context that was followed by many different characters trusts the shorter one more."""

    def __init__(self, text, order):
        self.orders = [Order(ngrams(text, n)) for n in range(1, order + 1)]

    def blend(self, order, context, count, shorter):
        total, kinds = order.totals[context], order.kinds[context]
        return (count + kinds * shorter) / (total + kinds)


class KneserNey:
    """A discount of every count; shorter n-grams count the places in which they were seen."""

    def __init__(self, text, order):
        tables = [ngrams(text, order)]
        while len(tables) < order:
            tables.insert(0, continuations(tables[0]))
        self.orders = [Order(table) for table in tables]

    def blend(self, order, context, count, shorter):
        total, kinds = order.totals[context], order.kinds[context]
        return (max(count - order.discount, 0) + order.discount * kinds * shorter) / total


class Order:
    """What was counted of n-grams of one length, and of the contexts in front of their ends."""

    def __init__(self, counts):
        self.counts, self.totals, self.kinds = counts, Counter(), Counter()
        for ngram, count in counts.items():
            self.totals[ngram[:-1]] += count
            self.kinds[ngram[:-1]] += 1
        once, twice = (sum(c == n for c in counts.values()) for n in (1, 2))
        self.discount = once / (once + 2 * twice) if once else 0.5


def probability(model, context, character, num_characters):
    """p(character | context), from the shortest context to the longest that was seen."""
    p = 1 / num_characters
    for length, order in enumerate(model.orders):
        if length > len(context):
            break
        tail = context[len(context) - length :]
        if tail not in order.totals:
            break
        p = model.blend(order, tail, order.counts[tail + character], p)
    return p


def score(model, text, num_characters):
    """Mean negative log-likelihood of the characters of a text, in nats."""
    longest = len(model.orders) - 1
    return -sum(
        math.log(probability(model, text[max(0, i - longest) : i], character, num_characters))
        for i, character in enumerate(text)
    ) / len(text)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="tfds:tiny_shakespeare", help="as of train_gpt.py")
    parser.add_argument("--data-dir", help="folder of prepared TFDS datasets")
    parser.add_argument("--orders", type=int, nargs="+", default=[4, 5, 6, 7, 8])
    parser.add_argument("--tune", action="store_true", help="never look at the last tenth")
    arguments = parser.parse_args()
    train, held_out = load(arguments.data, arguments.data_dir, arguments.tune)
    num_characters = len(set(train + held_out))
    print("| order | Witten-Bell | Kneser-Ney |\n|---|---|---|")
    for order in arguments.orders:
        scores = [
            score(kind(train, order), held_out, num_characters) for kind in (WittenBell, KneserNey)
        ]
        print(f"| {order} | {scores[0]:.3f} | {scores[1]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
