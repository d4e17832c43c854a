"""torch's side of the GAN benchmark: the same two networks, channels last."""

import contextlib

import torch
from torch import nn

LATENT_DIM = 100


def generator(base_dim):
    return nn.Sequential(
        nn.Linear(LATENT_DIM, 7 * 7 * 2 * base_dim, bias=False),
        nn.Unflatten(1, (2 * base_dim, 7, 7)),
        nn.BatchNorm2d(2 * base_dim),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(2 * base_dim, base_dim, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(base_dim),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(base_dim, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )


def discriminator(base_dim):
    return nn.Sequential(
        nn.Conv2d(1, base_dim, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.3),
        nn.Conv2d(base_dim, 2 * base_dim, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(7 * 7 * 2 * base_dim, 1),
    )


def train(turns, base_dim, dtype, batch_size, steps):
    """Alternating updates on one batch again and again; float32, or automatic mixed precision."""
    torch.manual_seed(0)
    last = torch.channels_last
    networks = [make(base_dim).to(memory_format=last) for make in (generator, discriminator)]
    generate, judge = networks
    optimizers = [
        torch.optim.Adam(n.parameters(), 2e-4, (0.5, 0.999), fused=True) for n in networks
    ]
    loss = nn.BCEWithLogitsLoss()
    real = torch.empty(batch_size, 1, 28, 28).uniform_(-1, 1).to(memory_format=last)
    ones, zeros = torch.ones(batch_size, 1), torch.zeros(batch_size, 1)
    low = contextlib.nullcontext if dtype == "float32" else half_precision

    def step():
        with low():
            with torch.no_grad():
                fake = generate(torch.randn(batch_size, LATENT_DIM))
            judged = loss(judge(real).float(), ones) + loss(judge(fake).float(), zeros)
        optimizers[1].zero_grad(set_to_none=True)
        judged.backward()
        optimizers[1].step()
        judge.requires_grad_(False)
        with low():
            fooled = loss(judge(generate(torch.randn(batch_size, LATENT_DIM))).float(), ones)
        optimizers[0].zero_grad(set_to_none=True)
        fooled.backward()
        optimizers[0].step()
        judge.requires_grad_(True)

    for _ in range(3):
        step()
    turns.ready()
    while True:
        for _ in range(steps):
            step()
        turns.end(steps * batch_size)


def half_precision():
    return torch.autocast("cpu", dtype=torch.bfloat16)
