"""How the next token is chosen, and the loop that writes it. No room for models here."""

from tfzoo.samplers.beam_search import BeamSearch
from tfzoo.samplers.decode import Draft, decode
from tfzoo.samplers.logit_filters import (
    ban_repeated_ngrams,
    ban_tokens,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalize_repetition,
)
from tfzoo.samplers.sampler import Sampler
from tfzoo.samplers.viterbi import bio_transitions, viterbi

__all__ = [
    "BeamSearch",
    "Draft",
    "Sampler",
    "ban_repeated_ngrams",
    "ban_tokens",
    "bio_transitions",
    "decode",
    "keep_min_p",
    "keep_top_k",
    "keep_top_p",
    "penalize_repetition",
    "viterbi",
]
