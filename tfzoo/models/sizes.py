"""Sizes of the models, as plain dictionaries: `GPTBackbone(vocabulary_size, **GPT_SMALL)`.

They can be merged with `MODERN` and changed like any dictionary: `{**GPT_NANO, **MODERN}`.
"""

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

# What small language models of today change in GPT-2; `scripts/train_gpt.py --without` says what
# each change pays.
MODERN = dict(
    rotary=True,
    rms_norm=True,
    normalize_queries_and_keys=True,
    zero_init=True,
    tie_embeddings=False,
    logit_soft_cap=15.0,
)

# GANs are pairs: `MLPGenerator(shape, **MLP_GAN["generator"])` and likewise the discriminator.
# For images of 28 x 28, latent vectors of 100 numbers: 1.5 M and 0.5 M parameters.
MLP_GAN = dict(
    generator=dict(hidden_dims=(256, 512, 1024)),
    discriminator=dict(hidden_dims=(512, 256), dropout=0.3),
)
# At 28 x 28: 7 x 7 x 128 -> 14 x 14 x 64 -> 28 x 28, and back; 0.8 M and 0.1 M parameters.
DCGAN_SMALL = dict(generator=dict(base_dim=64), discriminator=dict(base_dim=64, dropout=0.3))
# Radford et al. 2016, figure 1, at 64 x 64: 4 x 4 x 1024 down to 32 x 32 x 128.
DCGAN = dict(
    generator=dict(base_dim=128, kernel_size=5, negative_slope=0.0),
    discriminator=dict(base_dim=128, kernel_size=5, batch_norm=True, dropout=0.0),
)
# At 28 x 28, in the form of R3GAN: stages of 7, 14 and 28 pixels.
RESIDUAL_GAN_28 = dict(
    generator=dict(widths=(128, 96, 64), blocks_per_stage=1, group_size=16),
    discriminator=dict(widths=(64, 96, 128), blocks_per_stage=1, group_size=16),
)
