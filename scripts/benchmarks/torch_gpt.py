"""torch's side of the benchmark: nanoGPT's network and loop, and generation by `transformers`."""

import contextlib
import time

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, width, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.expand, self.contract = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        heads = self.query_key_value(self.norm_1(x)).unflatten(2, (3, self.num_heads, -1))
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).flatten(2))
        hidden = functional.gelu(self.expand(self.norm_2(x)), approximate="tanh")
        return x + self.contract(hidden)


class GPT(nn.Module):
    def __init__(self, vocabulary_size, num_layers, num_heads, hidden_dim, length):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary_size, hidden_dim)
        self.positions = nn.Embedding(length, hidden_dim)
        self.blocks = nn.Sequential(*[Block(hidden_dim, num_heads) for _ in range(num_layers)])
        self.norm = nn.LayerNorm(hidden_dim)
        nn.init.normal_(self.tokens.weight, std=0.02)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        logits = self.norm(self.blocks(x)) @ self.tokens.weight.T
        return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def train(turns, shape, dtype, batch_size, steps):
    """Full rows, one batch again and again; float32, or automatic mixed precision."""
    torch.manual_seed(0)
    model = GPT(**shape)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, (0.9, 0.99), fused=True)
    ids = torch.randint(shape["vocabulary_size"], (batch_size, shape["length"] + 1))
    low = contextlib.nullcontext if dtype == "float32" else half_precision

    def step():
        with low():
            loss = model(ids[:, :-1], ids[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    for _ in range(3):
        step()
    turns.ready()
    while True:
        for _ in range(steps):
            step()
        turns.end(steps * batch_size * shape["length"])


def half_precision():
    return torch.autocast("cpu", dtype=torch.bfloat16)


def generate(turns, shape, dtype, prompt_length, batch_size, new_tokens):
    """`transformers.GPT2LMHeadModel.generate` on token ids, greedy, without a stop token."""
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=shape["vocabulary_size"],
        n_positions=shape["length"],
        n_embd=shape["hidden_dim"],
        n_layer=shape["num_layers"],
        n_head=shape["num_heads"],
        eos_token_id=None,
        bos_token_id=None,
        pad_token_id=0,
    )
    model = transformers.GPT2LMHeadModel(config).to(getattr(torch, dtype)).eval()
    ids = torch.randint(shape["vocabulary_size"], (batch_size, prompt_length))
    mask = torch.ones_like(ids)

    def write():
        out = model.generate(ids, attention_mask=mask, max_new_tokens=new_tokens, do_sample=False)
        return (out.shape[1] - prompt_length) * batch_size

    start = time.perf_counter()
    assert write() == batch_size * new_tokens
    turns.ready(first_call=time.perf_counter() - start)
    while True:
        turns.end(write())
