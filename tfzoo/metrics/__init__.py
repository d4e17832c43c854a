"""What is reported: true weighted means, over all batches and replicas."""

from tfzoo.metrics.answers import answer_f1, exact_match, normalize_answer
from tfzoo.metrics.bits_per_byte import BitsPerByte
from tfzoo.metrics.perplexity import Perplexity

__all__ = ["BitsPerByte", "Perplexity", "answer_f1", "exact_match", "normalize_answer"]
