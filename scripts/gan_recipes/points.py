"""Mixtures of Gaussians in the plane, by PacGAN's protocol: 2,500 samples after training."""

import time

import keras

import tfzoo
from tfzoo.losses import R1, R2, Relativistic
from tfzoo.models import GAN, MLPDiscriminator, MLPGenerator

NUM_POINTS = 100_000
NUM_SAMPLES = 2500
# Chosen on seeds from 100 on; the numbers in the README are of seeds 0 to 9.
# A penalty holds slopes down, and narrow modes need steep ones: it falls with their variance.
POINTS = dict(
    latent_dim=2, hidden_dims=(96,) * 6, batch_size=64, learning_rate=1e-3, generator_average=0.999
)
RECIPES = {
    "grid": dict(POINTS, mixture=tfzoo.data.gaussian_grid(), steps=100_000, penalty=(1.0, 0.01)),
    "ring": dict(POINTS, mixture=tfzoo.data.gaussian_ring(), steps=50_000, penalty=(0.1, 0.0003)),
}


def run(recipe, seed, arguments):
    """Trains one model; returns its numbers."""
    keras.utils.set_random_seed(seed)
    model = build(recipe)
    points = recipe["mixture"].sample(NUM_POINTS, seed=seed)
    started, cpu_started = time.perf_counter(), time.process_time()
    model.fit(
        points,
        batch_size=recipe["batch_size"],
        steps_per_epoch=recipe["steps"] // 10,
        epochs=10,
        seed=seed,
        verbose=2 if arguments.verbose else 0,
        callbacks=[tfzoo.callbacks.StopOnNaN()],
    )
    minutes = (time.perf_counter() - started) / 60
    cpu_minutes = (time.process_time() - cpu_started) / 60
    count = tfzoo.metrics.ModeCount(*recipe["mixture"])
    numbers = count(None, model.generate(NUM_SAMPLES, seed=seed))
    return numbers | {"minutes": minutes, "CPU minutes": cpu_minutes}


def floor(recipe, seed, arguments):
    """What the mixture itself scores with as many points."""
    count = tfzoo.metrics.ModeCount(*recipe["mixture"])
    return count(None, recipe["mixture"].sample(NUM_SAMPLES, seed=10_000 + seed))


def build(recipe):
    """Two plain networks; rates fall to 0 on a cosine, penalties on an exponential."""
    steps, (first, last) = recipe["steps"], recipe["penalty"]
    penalty = keras.optimizers.schedules.ExponentialDecay(first, steps, last / first)

    def adam():
        rate = keras.optimizers.schedules.CosineDecay(recipe["learning_rate"], steps)
        return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99)

    model = GAN(
        MLPGenerator((2,), recipe["hidden_dims"], output_activation=None),
        MLPDiscriminator(recipe["hidden_dims"]),
        latent_dim=recipe["latent_dim"],
    )
    model.compile(
        adam(),
        adam(),
        loss=Relativistic(),
        regularizers=[R1(penalty), R2(penalty)],
        generator_average=recipe["generator_average"],
        jit_compile=True,
        steps_per_execution=min(100, steps // 10),
    )
    return model
