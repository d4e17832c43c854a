"""Where examples come from: built-in, files, TFDS, memory; cleaned, split, batched."""

from tfzoo.data.batches import batches, shuffled_batches, shuffled_indices
from tfzoo.data.clean import DEFAULT_STEPS, CleaningReport, StepReport, clean
from tfzoo.data.cleaning_steps import (
    DropExactDuplicates,
    DropShort,
    NormalizeUnicode,
    RemoveControlCharacters,
)
from tfzoo.data.digits import digits
from tfzoo.data.docstring_areas import LabelledCorpus, docstring_areas
from tfzoo.data.documents import Corpus
from tfzoo.data.images import ImageCorpus, Images, split_images
from tfzoo.data.labelled_texts import LabelledTexts, load_labelled_texts
from tfzoo.data.length_buckets import bucketed_batches, sorted_batches
from tfzoo.data.load_images import load_images
from tfzoo.data.mixtures import GaussianMixture, gaussian_grid, gaussian_ring
from tfzoo.data.near_duplicates import DropNearDuplicates
from tfzoo.data.personal_data import MaskPersonalData
from tfzoo.data.python_docstrings import python_docstrings
from tfzoo.data.python_stdlib import python_stdlib
from tfzoo.data.split import split, split_text
from tfzoo.data.squad import Answer, QuestionAnswerExample, load_squad
from tfzoo.data.tagged_words import TaggedWords, load_tagged_words
from tfzoo.data.texts import iterate_texts, load_corpus, load_texts
from tfzoo.data.windows import random_windows

__all__ = [
    "Answer",
    "CleaningReport",
    "Corpus",
    "DEFAULT_STEPS",
    "DropExactDuplicates",
    "DropNearDuplicates",
    "DropShort",
    "GaussianMixture",
    "ImageCorpus",
    "Images",
    "LabelledCorpus",
    "LabelledTexts",
    "MaskPersonalData",
    "NormalizeUnicode",
    "QuestionAnswerExample",
    "RemoveControlCharacters",
    "StepReport",
    "TaggedWords",
    "batches",
    "bucketed_batches",
    "clean",
    "digits",
    "docstring_areas",
    "gaussian_grid",
    "gaussian_ring",
    "iterate_texts",
    "load_corpus",
    "load_images",
    "load_labelled_texts",
    "load_squad",
    "load_tagged_words",
    "load_texts",
    "python_docstrings",
    "python_stdlib",
    "random_windows",
    "shuffled_batches",
    "shuffled_indices",
    "sorted_batches",
    "split",
    "split_images",
    "split_text",
]
