import math

import keras
import numpy as np
import pytest

from tfzoo.metrics import BitsPerByte, Perplexity, WeightedMean


def test_perplexity_of_equally_likely_tokens_is_their_number():
    metric = Perplexity()
    metric.update_state(np.full((2, 3), math.log(17.0), "float32"))
    assert float(metric.result()) == pytest.approx(17, rel=1e-5)


def test_perplexity_is_taken_of_the_weighted_mean():
    # Probabilities 1/2, 1/4 and 1/8 count 1, 2 and 0 times: 2^((1 + 4) / 3).
    losses = np.log([[2.0, 4.0, 8.0]])
    metric = Perplexity()
    metric.update_state(losses, [[1.0, 2.0, 0.0]])
    assert float(metric.result()) == pytest.approx(2 ** (5 / 3), rel=1e-5)


def test_rows_of_different_length_count_by_their_tokens():
    mean, perplexity = WeightedMean(), Perplexity()
    for metric in (mean, perplexity):
        metric.update_state([[1.0, 2.0, 3.0, 9.0]], [[1.0, 1.0, 1.0, 0.0]])
        metric.update_state([[6.0], [7.0]], [[1.0], [0.5]])
    # (1 + 2 + 3 + 6 + 3.5) / 4.5; the mean of the rows' means would be another number.
    assert float(mean.result()) == pytest.approx(15.5 / 4.5, rel=1e-6)
    assert float(perplexity.result()) == pytest.approx(math.exp(15.5 / 4.5), rel=1e-5)


def test_bits_per_byte_by_hand():
    # 'é' and '!' are tokens of 2 and 1 bytes and cost 3 and 1 bits, the end costs 4 and is none.
    metric = BitsPerByte()
    metric.update_state(np.log([[8.0, 2.0, 16.0]]), [[2, 1, 0]])
    assert float(metric.result()) == pytest.approx(8 / 3, rel=1e-5)


def test_bits_per_byte_leaves_out_tokens_without_weight():
    metric = BitsPerByte()
    metric.update_state(np.log([[8.0, 2.0, 16.0]]), [[2, 1, 5]], [[1.0, 1.0, 0.0]])
    assert float(metric.result()) == pytest.approx(4 / 3, rel=1e-5)


def test_bits_per_byte_does_not_depend_on_the_tokenizer():
    # One token of 6 bytes and 12 bits, or three of 2 bytes and 4 bits.
    whole, parts = BitsPerByte(), BitsPerByte()
    whole.update_state([[12 * math.log(2)]], [[6]])
    parts.update_state([[4 * math.log(2)] * 3], [[2, 2, 2]])
    assert float(whole.result()) == pytest.approx(2, rel=1e-6)
    assert float(parts.result()) == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize(("metric", "expected"), [(Perplexity, 1), (BitsPerByte, 0)])
def test_nothing_seen_is_a_number(metric, expected):
    assert float(metric().result()) == expected


@pytest.mark.parametrize(
    ("kind", "name"), [(Perplexity, "perplexity"), (BitsPerByte, "bits_per_byte")]
)
def test_comes_back_from_its_config(kind, name):
    assert kind().name == name
    saved = keras.saving.serialize_keras_object(kind(name="mine"))
    assert saved["registered_name"] == f"tfzoo>{kind.__name__}"
    assert keras.saving.deserialize_keras_object(saved).name == "mine"
