"""Raw examples to tensors, in the graph: the same code in training and in the served model."""

from tfzoo.preprocessing.adaptive_augment import AdaptiveAugment
from tfzoo.preprocessing.byte_pair_tokenizer import BytePairTokenizer
from tfzoo.preprocessing.byte_tokenizer import ByteTokenizer
from tfzoo.preprocessing.causal_lm_preprocessor import CausalLMPreprocessor
from tfzoo.preprocessing.diff_augment import DiffAugment
from tfzoo.preprocessing.masked_lm_preprocessor import MaskedLMPreprocessor
from tfzoo.preprocessing.question_answering_preprocessor import (
    QuestionAnsweringPreprocessor,
    QuestionRows,
)
from tfzoo.preprocessing.sliding_windows import SlidingWindows, Windows
from tfzoo.preprocessing.text_classifier_preprocessor import TextClassifierPreprocessor
from tfzoo.preprocessing.text_stream import TextStream
from tfzoo.preprocessing.token_classifier_preprocessor import TokenClassifierPreprocessor
from tfzoo.preprocessing.tokenizer import Tokenizer
from tfzoo.preprocessing.word_piece_tokenizer import WordPieceTokenizer

__all__ = [
    "AdaptiveAugment",
    "BytePairTokenizer",
    "ByteTokenizer",
    "CausalLMPreprocessor",
    "DiffAugment",
    "QuestionAnsweringPreprocessor",
    "QuestionRows",
    "MaskedLMPreprocessor",
    "SlidingWindows",
    "TextClassifierPreprocessor",
    "TextStream",
    "TokenClassifierPreprocessor",
    "Tokenizer",
    "Windows",
    "WordPieceTokenizer",
]
