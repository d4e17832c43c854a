"""Images with classes: the built-in digits, and Fashion-MNIST."""

import functools
import os
import time

import keras
import numpy as np

import tfzoo
from tfzoo.callbacks import CollapseWarning, ImageGrid, LossCurve, StopOnNaN, TrainingGif
from tfzoo.losses import R1, R2, NonSaturating, Relativistic
from tfzoo.metrics import FeatureMetrics, ImageClassifier, classification_accuracy_score
from tfzoo.models import GAN, DCGANDiscriminator, DCGANGenerator

# Chosen with --tune; the numbers in the README are of the test set.
RECIPES = {
    "digits": dict(
        data="digits",
        base_dim=64,
        batch_norm=True,
        latent_dim=32,
        steps=2000,
        batch_size=64,
        learning_rate=1e-3,
        beta_1=0.0,
        beta_2=0.99,
        relativistic=True,
        penalty=(1.0, 0.1),
        dropout=0.0,
        generator_average=0.998,
        dtype="float32",
        classifier_epochs=20,
    ),
    "fashion": dict(
        data="tfds:fashion_mnist",
        base_dim=48,
        batch_norm=True,
        latent_dim=64,
        steps=30_000,
        batch_size=64,
        learning_rate=1e-3,
        beta_1=0.0,
        beta_2=0.99,
        relativistic=True,
        penalty=(0.5, 0.02),
        dropout=0.0,
        generator_average=0.999,
        dtype="mixed_bfloat16",
        classifier_epochs=5,
    ),
}
# As the DCGAN paper trains: its loss and optimizers, nothing else. Same networks and same steps.
BASELINES = {
    "dcgan": dict(
        learning_rate=2e-4,
        beta_1=0.5,
        beta_2=0.999,
        relativistic=False,
        penalty=None,
        decay=False,
        generator_average=None,
    )
}


def run(recipe, seed, arguments):
    """Trains one model; returns its numbers, and leaves pictures."""
    train, test = data(recipe["data"], arguments.data_dir, arguments.tune)
    keras.utils.set_random_seed(seed)
    model = build(recipe, train)
    name = f"{arguments.recipe}{'-' + arguments.baseline if arguments.baseline else ''}-{seed}"
    epochs = 20
    started, cpu_started = time.perf_counter(), time.process_time()
    model.fit(
        train.images,
        train.labels,
        batch_size=recipe["batch_size"],
        steps_per_epoch=recipe["steps"] // epochs,
        epochs=epochs,
        seed=seed,
        verbose=2 if arguments.verbose else 0,
        callbacks=watchers(os.path.join(arguments.output, name), train),
    )
    minutes = (time.perf_counter() - started) / 60
    cpu_minutes = (time.process_time() - cpu_started) / 60
    scores = score(recipe, model, train, test, seed, arguments)
    return scores | {"minutes": minutes, "CPU minutes": cpu_minutes}


def score(recipe, model, train, test, seed, arguments):
    """What samples are worth: as data for a classifier, and by their distance to the test set."""
    classifier = real(recipe, arguments)[0]
    labels = np.arange(len(train.images)) % train.num_classes
    samples = model.generate(len(labels), labels=labels, seed=seed)
    accuracy = classification_accuracy_score(
        samples, labels, *test[:2], seed=seed, epochs=recipe["classifier_epochs"]
    )
    fakes = model.generate(len(test.images), labels=test.labels, seed=1000 + seed)
    distances = FeatureMetrics(classifier)(test.images, fakes)
    return {"classification accuracy score": accuracy, **distances}


def floor(recipe, seed, arguments):
    """The same numbers of real images in the place of samples."""
    return real(recipe, arguments)[1]


def real(recipe, arguments):
    return reference(
        recipe["data"], recipe["classifier_epochs"], arguments.data_dir, arguments.tune
    )


@functools.cache
def reference(source, epochs, data_dir, tune):
    """The classifier whose features are compared, and what real images score by it."""
    train, test = data(source, data_dir, tune)
    classifier = ImageClassifier(train.images.shape[1:], train.num_classes)
    classifier.fit(*train[:2], epochs=epochs)
    rows = np.random.default_rng(0).permutation(len(train.images))[: len(test.images)]
    distances = FeatureMetrics(classifier)(test.images, train.images[np.sort(rows)])
    return classifier, {
        "classification accuracy score": classifier.accuracy(*test[:2]),
        **distances,
    }


@functools.cache
def data(source, data_dir, tune):
    """Images to learn from, and images to compare with; the latter from the former to tune."""
    read = functools.partial(tfzoo.data.load_images, source, data_dir=data_dir)
    train, test = read(split="train"), read(split="test")
    if tune:
        train, test, _ = tfzoo.data.split_images(train, validation=1 / 6, test=0.0)
    return train, test


def build(recipe, train):
    """Conditional DCGAN networks, with the objective and the optimizers of the recipe."""
    shape, num_classes = train.images.shape[1:], train.num_classes
    sizes = dict(base_dim=recipe["base_dim"], num_classes=num_classes, dtype=recipe["dtype"])
    steps, penalty = recipe["steps"], recipe["penalty"]

    def adam():
        rate = recipe["learning_rate"]
        if recipe.get("decay", True):
            rate = keras.optimizers.schedules.CosineDecay(rate, steps)
        return keras.optimizers.Adam(rate, recipe["beta_1"], recipe["beta_2"])

    strength = penalty and keras.optimizers.schedules.ExponentialDecay(
        penalty[0], steps, penalty[1] / penalty[0]
    )
    model = GAN(
        DCGANGenerator(shape, batch_norm=recipe["batch_norm"], **sizes),
        DCGANDiscriminator(shape, dropout=recipe["dropout"], **sizes),
        latent_dim=recipe["latent_dim"],
        num_classes=num_classes,
    )
    model.compile(
        adam(),
        adam(),
        loss=Relativistic() if recipe["relativistic"] else NonSaturating(),
        regularizers=[R1(strength), R2(strength)] if penalty else [],
        generator_average=recipe["generator_average"],
        jit_compile=False,
        steps_per_execution=min(10, steps // 20),
    )
    return model


def watchers(folder, train):
    """A grid with a row for a class, a film, the losses, and two guards."""
    labels = np.repeat(np.arange(train.num_classes), 10)
    grid = dict(n=len(labels), labels=labels, columns=10, seed=0)
    return [
        ImageGrid(os.path.join(folder, "samples.png"), **grid),
        TrainingGif(os.path.join(folder, "training.gif"), **grid),
        LossCurve(os.path.join(folder, "loss.png"), names=("generator_loss", "discriminator_loss")),
        CollapseWarning(train.images),
        StopOnNaN(os.path.join(folder, "model.keras")),
    ]
