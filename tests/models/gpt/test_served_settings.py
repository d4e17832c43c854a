"""A served model says which setting is out of its range, before it computes anything."""

import math

import pytest
import tensorflow as tf

from tests.laws.zoo import gpt
from tfzoo.serving.refusal import explain

DEFAULTS = dict(max_new_tokens=5, temperature=0.5, top_k=0, top_p=1.0, seed=3)
WRONG = [
    (dict(max_new_tokens=0), "`max_new_tokens` must be 1 or more; received 0."),
    (dict(max_new_tokens=-1), "`max_new_tokens` must be 1 or more; received -1."),
    (dict(temperature=-1.0), "`temperature` must be 0 or more, and finite; received -1."),
    (dict(temperature=math.nan), "`temperature` must be 0 or more, and finite; received nan."),
    (dict(temperature=math.inf), "`temperature` must be 0 or more, and finite; received inf."),
    (dict(top_k=-3), "`top_k` must be 0, for all, or more; received -3."),
    (dict(top_p=0.0), "`top_p` must be above 0 and 1 at most; received 0."),
    (dict(top_p=2.0), "`top_p` must be above 0 and 1 at most; received 2."),
    (dict(top_p=-0.5), "`top_p` must be above 0 and 1 at most; received -0.5."),
    (
        dict(max_new_tokens=40),
        "Prompt and `max_new_tokens` together must have at most 37 tokens; received 43.",
    ),
    (dict(top_p=math.nan), "`top_p` must be above 0 and 1 at most; received nan."),
]


@pytest.fixture(scope="module", params=["generate", "generate_start"])
def served(request):
    function, specs = gpt().serving_functions()[request.param]
    return tf.function(function, specs, autograph=False)


def test_a_text_too_long_to_be_scored_is_said():
    function, specs = gpt().serving_functions()["score"]
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        tf.function(function, specs, autograph=False)(["a" * 40])
    assert "at most 37 tokens, `evaluate` takes longer ones; received" in str(raised.value)


@pytest.mark.parametrize(("wrong", "sentence"), WRONG)
def test_a_setting_out_of_its_range_is_said(served, wrong, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        served(["ab"], **{**DEFAULTS, **wrong})
    refusal = explain(raised.value)
    assert (refusal.status, refusal.sentence) == (
        400,
        f"The model refuses this input: {sentence}",
    )
