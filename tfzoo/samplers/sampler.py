"""Choosing one token of each row: the most likely one, or a random one among the likely."""

import dataclasses
import numbers
import operator

import tensorflow as tf

from tfzoo.samplers.logit_filters import (
    ban_repeated_ngrams,
    ban_tokens,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalize_repetition,
)


@dataclasses.dataclass(frozen=True)
class Sampler:
    """Chooses the next token.

    Greedy unless one of `temperature`, `top_k`, `top_p`, `min_p` is given. The filters act in the
    order of the arguments below.

    Args:
        repetition_penalty: float > 0, see `penalize_repetition`.
        no_repeat_ngrams: int >= 1, no n-gram of this length occurs twice, prompt included.
        banned_token_ids: ids that are never chosen.
        temperature: float > 0, logits are divided by it.
        top_k: int >= 1, see `keep_top_k`.
        top_p: float in (0, 1], see `keep_top_p`.
        min_p: float in (0, 1], see `keep_min_p`.

    Raises:
        ValueError: an argument outside its range.
    """

    repetition_penalty: float | None = None
    no_repeat_ngrams: int | None = None
    banned_token_ids: tuple = ()
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self):
        # A tuple whatever was given: a sampler is a key of the compiled graphs.
        try:
            banned = tuple(map(operator.index, self.banned_token_ids))
        except TypeError as error:
            raise ValueError(
                f"`banned_token_ids` must be a list of ints; received {self.banned_token_ids!r}."
            ) from error
        object.__setattr__(self, "banned_token_ids", banned)
        for name in ("repetition_penalty", "temperature"):
            self._check(name, lambda value: value > 0, "greater than 0")
        for name in ("top_k", "no_repeat_ngrams"):
            self._check(name, lambda value: value >= 1 and value == int(value), "an int, 1 or more")
        for name in ("top_p", "min_p"):
            self._check(name, lambda value: 0 < value <= 1, "greater than 0 and at most 1")

    def _check(self, name, is_valid, expected):
        value = getattr(self, name)
        # Inside a graph the numbers are tensors, checked by whoever made them.
        if value is None or tf.is_tensor(value):
            return
        if not isinstance(value, numbers.Real) or not is_valid(value):
            hint = " For greedy decoding leave it out." if name == "temperature" else ""
            raise ValueError(f"`{name}` must be {expected}; received {value!r}.{hint}")

    @property
    def is_random(self):
        """Whether tokens are drawn, rather than the most likely one taken."""
        return any(x is not None for x in (self.temperature, self.top_k, self.top_p, self.min_p))

    def __call__(self, logits, token_ids, written, seed):
        """Chooses.

        Args:
            logits: float (B, V).
            token_ids: int32 (B, S), the text so far.
            written: bool (B, S), the slots that hold it.
            seed: int32 (2,), used when `is_random`.

        Returns:
            int32 (B,).
        """
        logits = tf.cast(logits, tf.float32)
        if self.repetition_penalty is not None:
            logits = penalize_repetition(logits, token_ids, written, self.repetition_penalty)
        if self.no_repeat_ngrams is not None:
            logits = ban_repeated_ngrams(logits, token_ids, written, self.no_repeat_ngrams)
        if len(self.banned_token_ids):
            logits = ban_tokens(logits, self.banned_token_ids)
        if self.temperature is None:
            return self._draw(logits, seed) if self.is_random else likeliest_of(logits)
        # A served model gets its temperature as a tensor, where 0 is the custom for greedy: then
        # no random numbers are made for the whole vocabulary.
        return tf.cond(
            tf.greater(self.temperature, 0.0),
            lambda: self._draw(logits / tf.maximum(self.temperature, 1e-6), seed),
            lambda: likeliest_of(logits),
        )

    def _draw(self, logits, seed):
        if self.top_k is not None:
            logits = keep_top_k(logits, self.top_k)
        if self.top_p is not None:
            logits = keep_top_p(logits, self.top_p)
        if self.min_p is not None:
            logits = keep_min_p(logits, self.min_p)
        return draw(logits, seed)


def likeliest_of(logits):
    """The most likely token of each row of `logits` (B, V); int32 (B,)."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def draw(logits, seed):
    """Draws a token of each row of `logits` (B, V) by the Gumbel-max trick; int32 (B,)."""
    # The floor keeps log(0) out.
    uniform = tf.random.stateless_uniform(
        tf.shape(logits), seed, minval=1e-20, maxval=1.0, alg="philox"
    )
    return tf.argmax(logits - tf.math.log(-tf.math.log(uniform)), axis=-1, output_type=tf.int32)
