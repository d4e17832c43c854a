"""One worker process of the law of many hosts: `python -m tests.laws.many_hosts_worker FOLDER`.

TF_CONFIG says which one it is. What it trained goes to FOLDER, for the law to compare.
"""

import os
import pathlib
import pickle
import signal
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np

import tfzoo
from tfzoo.models import (
    GAN,
    BertBackbone,
    BertTextClassifier,
    DCGANDiscriminator,
    DCGANGenerator,
    GPTBackbone,
    GPTCausalLM,
    MLPDiscriminator,
    MLPGenerator,
)
from tfzoo.optimizers import AdamW, WarmupCosine
from tfzoo.preprocessing import (
    ByteTokenizer,
    CausalLMPreprocessor,
    TextClassifierPreprocessor,
    WordPieceTokenizer,
)

# Lengths differ widely, so that hosts hold unequal numbers of tokens.
TEXTS = ["a bad cab", "e", "fed a bee", "deaf", "cafe bead fade", "b", "face a dead cab", "gab"]
TEXTS += ["d", "a bag", "gag a fad", "ace"]
LABELS = [2, 0, 1, 1, 0, 2, 0, 1, 2, 0, 2, 1]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefg", *(f"##{c}" for c in "abcdefg")]


def gpt():
    """A writer, in raw texts."""
    tokenizer = ByteTokenizer(alphabet="abcdefg ")
    backbone = GPTBackbone(tokenizer.vocabulary_size, 1, 2, 14, dropout=0.0)
    model = GPTCausalLM(backbone, CausalLMPreprocessor(tokenizer, 7))
    # A large epsilon keeps Adam from amplifying rounding.
    model.compile(AdamW(WarmupCosine(1e-2), weight_decay=0.1, epsilon=1e-3), max_gradient_norm=0.3)
    return model, (TEXTS, None), TEXTS


def text_classifier():
    """A reader, in raw texts with labels; a batch in three passes."""
    preprocessor = TextClassifierPreprocessor(WordPieceTokenizer(PIECES), 11)
    backbone = BertBackbone(len(PIECES), 1, 2, 14, max_sequence_length=13, dropout=0.0)
    model = BertTextClassifier(backbone, preprocessor, ["x", "y", "z"], dropout=0.0)
    model.compile(keras.optimizers.SGD(0.1), gradient_accumulation=3)
    return model, (TEXTS, LABELS), TEXTS


def image_gan():
    """Two players, in raw images with labels; moments and noise of the global batch."""
    rng = np.random.default_rng(3)
    form = dict(num_classes=3, batch_norm=True, negative_slope=0.6)
    generator = DCGANGenerator((8, 8, 1), 3, **form)
    discriminator = DCGANDiscriminator((8, 8, 1), 5, dropout=0.0, **form)
    model = GAN(generator, discriminator, latent_dim=5, num_classes=3, seed=2)
    model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
    images = rng.integers(0, 256, (len(LABELS), 8, 8, 1), dtype="uint8")
    latents = rng.normal(size=(len(LABELS), 5)).astype("float32")
    return model, (images, np.array(LABELS)), [latents, np.array(LABELS)]


def point_gan():
    """The smallest."""
    networks = MLPGenerator((2,), (7,), output_activation=None), MLPDiscriminator((11,))
    model = GAN(*networks, latent_dim=5, seed=2)
    model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
    rng = np.random.default_rng(3)
    points, latents = rng.normal(size=(13, 2)), rng.normal(size=(13, 5))
    return model, (points.astype("float32"), None), latents.astype("float32")


FAMILIES = {f.__name__: f for f in (gpt, text_classifier, image_gan, point_gan)}


def trained(family, strategy):
    """Trains, evaluates and predicts on raw data; some batches leave hosts few rows, or none.

    Returns:
        Weights, history, evaluation and predictions.
    """
    with strategy.scope():
        keras.utils.set_random_seed(5)
        model, (x, y), inputs = FAMILIES[family]()
    some = (x[:7], None if y is None else y[:7])
    history = model.fit(x, y, batch_size=6, epochs=2, validation_data=some, verbose=0).history
    results = model.evaluate(x, y, batch_size=5, return_dict=True, verbose=0)
    return {
        "weights": model.get_weights(),
        "logs": {**history, **results},
        "predictions": model.predict(inputs, batch_size=5, verbose=0),
    }


class Dies(keras.callbacks.Callback):
    """Ends this process as no program would, after so many steps."""

    def __init__(self, steps=1):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        self.steps -= 1
        if not self.steps:
            os.kill(os.getpid(), signal.SIGKILL)


def is_last(strategy):
    hosts = strategy.cluster_resolver.cluster_spec().job_tasks("worker")
    return strategy.cluster_resolver.task_id == len(hosts) - 1


def lose_one(strategy):
    """Trains for ever, but the last worker dies; returns what the others learn of it."""
    with strategy.scope():
        model, (x, y), _ = point_gan()
    dies = [Dies()] if is_last(strategy) else []
    try:
        model.fit(x, y, batch_size=6, epochs=10**6, callbacks=dies, verbose=0)
    except ConnectionError as error:
        return str(error)


def resumable(strategy, checkpoints, callbacks=()):
    """Trains twelve steps, with a checkpoint after every two; returns weights and history."""
    with strategy.scope():
        keras.utils.set_random_seed(5)
        model, (x, y), _ = point_gan()
    resume = tfzoo.callbacks.Resume(checkpoints, every_n_steps=2)
    options = dict(batch_size=6, epochs=4, seed=3, verbose=2)
    history = model.fit(x, y, callbacks=[resume, *callbacks], **options).history
    return model.get_weights(), history


def lose_one_on_the_way(strategy, folder):
    """What is to come out in the end; then the same run, in which the last worker dies."""
    whole = resumable(strategy, folder / "whole")
    dies = [Dies(steps=8)] if is_last(strategy) else []
    try:
        resumable(strategy, folder / "checkpoints", dies)
    except ConnectionError:
        return whole


def main(folder, families, then=""):
    """Trains all families, and writes what came out."""
    strategy, folder = tfzoo.distribution.many_hosts(timeout=120), pathlib.Path(folder)
    out = {family: trained(family, strategy) for family in families}
    rank = strategy.cluster_resolver.task_id
    assert tfzoo.distribution.is_chief() == (rank == 0)
    if then == "lose":
        out["lost"] = lose_one(strategy)
    elif then == "lose on the way":
        out["whole"] = lose_one_on_the_way(strategy, folder)
    elif then == "go on":
        out["resumed"] = resumable(strategy, folder / "checkpoints")
    (folder / f"{rank}.pickle").write_bytes(pickle.dumps(out))


if __name__ == "__main__":
    main(sys.argv[1], [name for name in sys.argv[2].split(",") if name], *sys.argv[3:])
