"""An embedding with more rows than the tokenizer has tokens, as GPT-2's is padded to 50,304."""

import numpy as np

from tfzoo.models import GPTBackbone, GPTCausalLM
from tfzoo.preprocessing import ByteTokenizer, CausalLMPreprocessor

NUM_TOKENS, NUM_ROWS = 5, 7


def test_what_is_written_are_tokens_even_if_the_padding_is_likelier():
    tokenizer = ByteTokenizer(alphabet="abc")
    assert tokenizer.vocabulary_size == NUM_TOKENS
    backbone = GPTBackbone(NUM_ROWS, num_layers=1, num_heads=2, hidden_dim=6, tie_embeddings=False)
    # Rows behind the last token have by far the largest logits.
    backbone.head.kernel.assign(np.tile([0.1, 0.2, 0.3, 0, 0, 50, 50], (6, 1)))
    backbone.final_norm.scale.assign(np.zeros(6))
    backbone.final_norm.bias.assign(np.ones(6))
    model = GPTCausalLM(backbone, CausalLMPreprocessor(tokenizer, 11))
    assert model.generate("a", max_new_tokens=3) == "accc"
