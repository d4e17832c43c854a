import math

import pytest

from tfzoo.models import BertBackbone, BertMaskedLM, GPTBackbone, GPTCausalLM

LAYERS, DIM, FEED_FORWARD_DIM = 2, 768, 4 * 768
BLOCKS = LAYERS * (4 * DIM**2 + 2 * DIM * FEED_FORWARD_DIM)  # 14 million
SIZE = (LAYERS, 2, DIM)


@pytest.mark.parametrize(
    "model",
    [
        # Embeddings of as many weights again do not count.
        lambda: GPTCausalLM(GPTBackbone(20_000, *SIZE, dtype="bfloat16")),
        lambda: BertMaskedLM(BertBackbone(20_000, *SIZE, dtype="bfloat16")),
    ],
    ids=["gpt", "bert"],
)
def test_the_rate_suits_the_size_of_the_network(model):
    model = model()
    model.compile("auto")
    expected = 0.003239 - 0.0001395 * math.log(BLOCKS)
    assert model.optimizer._learning_rate.peak == pytest.approx(expected, rel=1e-6)
    assert expected < 9.5e-4
