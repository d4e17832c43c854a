"""What is reported: true weighted means, over all batches and replicas, and distances."""

from tfzoo.metrics.answers import answer_f1, exact_match, normalize_answer
from tfzoo.metrics.bits_per_byte import BitsPerByte
from tfzoo.metrics.entity_score import EntityScore, entity_borders
from tfzoo.metrics.feature_metrics import FeatureMetrics
from tfzoo.metrics.frechet_distance import frechet_distance
from tfzoo.metrics.image_classifier import ImageClassifier, classification_accuracy_score
from tfzoo.metrics.inception_features import InceptionFeatures
from tfzoo.metrics.kernel_distance import kernel_distance
from tfzoo.metrics.macro_f1 import MacroF1
from tfzoo.metrics.mode_count import ModeCount
from tfzoo.metrics.neighbours import density_coverage, precision_recall
from tfzoo.metrics.perplexity import Perplexity
from tfzoo.metrics.sliced_wasserstein import sliced_wasserstein
from tfzoo.metrics.weighted_mean import WeightedMean

__all__ = [
    "BitsPerByte",
    "EntityScore",
    "FeatureMetrics",
    "ImageClassifier",
    "InceptionFeatures",
    "MacroF1",
    "ModeCount",
    "Perplexity",
    "WeightedMean",
    "answer_f1",
    "classification_accuracy_score",
    "density_coverage",
    "entity_borders",
    "exact_match",
    "frechet_distance",
    "kernel_distance",
    "normalize_answer",
    "precision_recall",
    "sliced_wasserstein",
]
