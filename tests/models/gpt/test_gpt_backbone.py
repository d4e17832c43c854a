"""What the arguments of the modern form say is what the network computes."""

import numpy as np
import pytest

from tfzoo.models import GPTBackbone

TOKEN_IDS = np.array([[3, 1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 8, 9, 7]])


def logits_of(backbone):
    return backbone.predict_tokens(backbone({"token_ids": TOKEN_IDS})).numpy()


@pytest.mark.parametrize("tie_embeddings", [False, True])
def test_a_soft_cap_bends_logits_and_nothing_else(tie_embeddings):
    shape = dict(tie_embeddings=tie_embeddings)
    plain, capped = (GPTBackbone(11, 1, 2, 6, logit_soft_cap=cap, **shape) for cap in (None, 0.3))
    weights = [np.random.default_rng(5).normal(0, 0.5, w.shape) for w in plain.get_weights()]
    plain.set_weights(weights)
    capped.set_weights(weights)
    logits = logits_of(plain)
    assert np.abs(logits).max() > 1
    np.testing.assert_allclose(logits_of(capped), 0.3 * np.tanh(logits / 0.3), atol=1e-5)


def test_with_zero_init_all_blocks_start_as_the_identity_and_all_logits_at_zero():
    backbone = GPTBackbone(11, 3, 2, 8, rotary=True, zero_init=True, tie_embeddings=False)
    vectors = backbone({"token_ids": TOKEN_IDS})
    expected = backbone.final_norm(backbone.token_embedding(TOKEN_IDS))
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_array_equal(logits_of(backbone), np.zeros((2, 7, 11)))


def test_branches_start_smaller_the_more_of_them_there_are():
    # Radford et al. 2019, section 2.3: by the root of the number of residual layers.
    backbone = GPTBackbone(11, 8, 2, 64)
    for block in backbone.blocks[:2]:
        for layer in (block.attention.output_projection, block.feed_forward.contract):
            np.testing.assert_allclose(np.std(layer.kernel), 0.02 / 4, rtol=0.06)
        np.testing.assert_allclose(np.std(block.feed_forward.expand.kernel), 0.02, rtol=0.06)
