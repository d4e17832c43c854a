"""Where examples come from: the built-in corpus, files, TFDS, memory; cleaned, split, batched."""

from tfzoo.data.batches import batches, shuffled_batches, shuffled_indices
from tfzoo.data.clean import DEFAULT_STEPS, CleaningReport, StepReport, clean
from tfzoo.data.cleaning_steps import (
    DropExactDuplicates,
    DropShort,
    NormalizeUnicode,
    RemoveControlCharacters,
)
from tfzoo.data.documents import Corpus
from tfzoo.data.near_duplicates import DropNearDuplicates
from tfzoo.data.personal_data import MaskPersonalData
from tfzoo.data.python_stdlib import python_stdlib
from tfzoo.data.split import split, split_text
from tfzoo.data.squad import Answer, QuestionAnswerExample, load_squad
from tfzoo.data.texts import iterate_texts, load_corpus, load_texts
from tfzoo.data.windows import random_windows

__all__ = [
    "DEFAULT_STEPS",
    "Answer",
    "CleaningReport",
    "Corpus",
    "DropExactDuplicates",
    "DropNearDuplicates",
    "DropShort",
    "MaskPersonalData",
    "NormalizeUnicode",
    "QuestionAnswerExample",
    "RemoveControlCharacters",
    "StepReport",
    "batches",
    "clean",
    "iterate_texts",
    "load_corpus",
    "load_squad",
    "load_texts",
    "python_stdlib",
    "random_windows",
    "shuffled_batches",
    "shuffled_indices",
    "split",
    "split_text",
]
