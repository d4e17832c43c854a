"""Answers without a network: the words of the context that share most with the question.

The sliding window of Richardson et al. 2013, "MCTest", section 4.1, which the SQuAD paper also
compares with: every run of so many words, or every sentence, is scored by the rarity of the
question's words in it, and the best one is the answer.
"""

import collections
import math
import re

from tfzoo.metrics import answer_f1, exact_match, normalize_answer

# Words in a candidate; None is whole sentences. The best on the training part is taken.
LENGTHS = (3, 5, 8, 12, 16, 24, 32, None)
SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")


class LexicalAnswers:
    """Learns from examples how rare words are, and which length of answers is right."""

    def __init__(self, examples):
        documents = {example.context for example in examples}
        counts = collections.Counter(
            word for text in documents for word in set(normalize_answer(text).split())
        )
        self.rarity = {word: math.log(1 + len(documents) / count) for word, count in counts.items()}
        self.rarest = math.log(1 + len(documents))
        self.length = max(LENGTHS, key=lambda length: self.scores(examples, length)["f1"])

    def scores(self, examples, length=-1):
        length = self.length if length == -1 else length
        pairs = [
            (self.answer(example, length), [answer.text for answer in example.answers])
            for example in examples
        ]
        return {
            "exact_match": sum(exact_match(*pair) for pair in pairs) / len(pairs),
            "f1": sum(answer_f1(*pair) for pair in pairs) / len(pairs),
        }

    def answer(self, example, length):
        asked = set(normalize_answer(example.question).split())
        return max(candidates(example.context, length), key=lambda text: self._overlap(text, asked))

    def _overlap(self, text, asked):
        found = asked & set(normalize_answer(text).split())
        return sum(self.rarity.get(word, self.rarest) for word in found)


def candidates(context, length):
    if length is None:
        return SENTENCE_END.split(context)
    words = context.split()
    return [" ".join(words[n : n + length]) for n in range(max(1, len(words) - length + 1))]
