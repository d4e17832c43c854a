"""Sizes of the models, as plain dictionaries: `GPTBackbone(vocabulary_size, **GPT_SMALL)`.

They can be merged with `MODERN` and changed like any dictionary: `{**GPT_NANO, **MODERN}`.
"""

from tfzoo.layers import relu_squared

# 0.8 M parameters in the blocks: nanoGPT's README model for a CPU.
GPT_NANO = dict(num_layers=4, num_heads=4, hidden_dim=128, max_sequence_length=1024)
# 10.6 M: nanoGPT's README model for a small GPU.
GPT_MINI = dict(num_layers=6, num_heads=6, hidden_dim=384, max_sequence_length=1024)

# The four sizes of Radford et al. 2019, table 2 (vocabulary 50,257, context 1,024): 124 M, 355 M,
# 774 M and 1,558 M parameters with the embeddings.
GPT_SMALL = dict(num_layers=12, num_heads=12, hidden_dim=768, max_sequence_length=1024)
GPT_MEDIUM = dict(num_layers=24, num_heads=16, hidden_dim=1024, max_sequence_length=1024)
GPT_LARGE = dict(num_layers=36, num_heads=20, hidden_dim=1280, max_sequence_length=1024)
GPT_XL = dict(num_layers=48, num_heads=25, hidden_dim=1600, max_sequence_length=1024)

# BASE and LARGE of Devlin et al. 2019, section 3 (110 M and 340 M parameters with the embeddings),
# and those of Turc et al. 2019, "Well-Read Students Learn Better", table 1 (4.4, 11.3 and 29.1 M).
BERT_TINY = dict(num_layers=2, num_heads=2, hidden_dim=128, max_sequence_length=512)
BERT_MINI = dict(num_layers=4, num_heads=4, hidden_dim=256, max_sequence_length=512)
BERT_SMALL = dict(num_layers=4, num_heads=8, hidden_dim=512, max_sequence_length=512)
BERT_BASE = dict(num_layers=12, num_heads=12, hidden_dim=768, max_sequence_length=512)
BERT_LARGE = dict(num_layers=24, num_heads=16, hidden_dim=1024, max_sequence_length=512)
# Wang et al. 2020, "MiniLM", with the 6 layers of nreimers/MiniLM-L6-H384-uncased: 22.7 M.
MINILM = dict(num_layers=6, num_heads=12, hidden_dim=384, max_sequence_length=512)

# What small language models of today change in GPT-2; README has what each choice pays.
MODERN = dict(
    rotary=True,
    rms_norm=True,
    normalize_queries_and_keys=True,
    activation=relu_squared,
    zero_init=True,
    tie_embeddings=False,
    logit_soft_cap=15.0,
)
