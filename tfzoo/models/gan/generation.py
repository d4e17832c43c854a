"""What a trained GAN is asked for: samples, paths between them, judgements.

n samples, Z latent_dim, B batch.
"""

import numpy as np
import tensorflow as tf

from tfzoo.models.arguments import require_ints, require_seed
from tfzoo.models.gan.noise import Rows, normal, uniform
from tfzoo.models.gan.raw_samples import require_labels
from tfzoo.models.gan.samples import IMAGE_RANK, scaled


def generate(self, n, labels=None, seed=None, truncation=None, batch_size=128):
    """Draws samples with the average generator, or with the generator where there is none.

    Args:
        n: int, how many.
        labels: int, or ints (n,), in [0, num_classes); None draws them evenly. Only with classes.
        seed: optional int; the same seed gives the same samples, whatever the batch size.
        truncation: optional float t > 0: latents are drawn from the normal distribution within
            [-t, t], which trades variety for typical samples.
        batch_size: int, samples made at once.

    Returns:
        float32 NumPy array (n, ...); images are in [-1, 1].

    Source: Brock et al. 2019, "Large scale GAN training" (BigGAN), section 3.1, for truncation.
    """
    require_ints(n=n, batch_size=batch_size)
    if truncation is not None and (isinstance(truncation, str) or not truncation > 0):
        raise ValueError(f"`truncation` must be above 0, or None; received {truncation!r:.80}.")
    seed = np.random.randint(2**31) if seed is None else seed
    require_seed("seed", seed)
    latents = latents_of(seed, n, self.latent_dim, truncation)
    return _in_batches(self, latents, _labels(self, labels, n, seed), batch_size)


def interpolate(self, a, b, steps, labels=None, batch_size=128):
    """Samples on the way from one latent vector to another, along the sphere.

    Args:
        a: int seed of the first sample of `generate(1, seed=a)`, or a latent vector (Z,).
        b: likewise.
        steps: int >= 2, samples with both ends.
        labels: int, or ints (steps,), in [0, num_classes). Only with classes.
        batch_size: int, samples made at once.

    Returns:
        float32 NumPy array (steps, ...).

    Source: White 2016, "Sampling generative networks", section 2.1.
    """
    require_ints(least=2, steps=steps)
    for name, end in {"a": a, "b": b}.items():
        if np.ndim(end) == 0:
            require_seed(name, end)
    if self.num_classes is not None and labels is None:
        raise ValueError("`labels` must say which class the way is in; received None.")
    ends = [
        latents_of(end, 1, self.latent_dim)[0] if np.ndim(end) == 0 else np.asarray(end, "float32")
        for end in (a, b)
    ]
    for end in ends:
        if end.shape != (self.latent_dim,):
            raise ValueError(
                f"`a` and `b` must be seeds, or vectors of latent_dim={self.latent_dim} numbers; "
                f"received shape {tuple(end.shape)}."
            )
    latents = slerp(*map(np.asarray, ends), np.linspace(0, 1, steps, dtype="float32")[:, None])
    return _in_batches(self, latents, _labels(self, labels, steps, 0), batch_size)


def discriminate(self, images, labels=None, batch_size=128):
    """What the discriminator says about samples.

    Args:
        images: uint8 in [0, 255] or float in [-1, 1], (B, ...).
        labels: int, or ints (B,), in [0, num_classes). Only with classes.
        batch_size: int, samples judged at once.

    Returns:
        Logits, float32 NumPy array (B,), or (B / packing,): above 0 it takes them for real.
    """
    if self.num_classes is not None and labels is None:
        raise ValueError("`labels` must say the class of each sample; received None.")
    images = tf.convert_to_tensor(images)
    if not len(images) or len(images) % self.packing:
        raise ValueError(
            f"`images` must be at least one sample, and a multiple of packing={self.packing}; "
            f"received {len(images)}."
        )
    function = discriminate_function(self)
    labels = _labels(self, labels, len(images), 0)
    step = -(-batch_size // self.packing) * self.packing
    parts = [
        function(scaled(self, images[i : i + step]), *_at(labels, i, step))
        for i in range(0, len(images), step)
    ]
    return np.concatenate(parts)


def latents_of(seed, n, latent_dim, truncation=None):
    """Latent vectors float32 (n, Z), a function of the seed; see `generate`."""
    seed = tf.stack([tf.cast(seed, tf.int32), 0])
    if truncation is None:
        return normal(seed, Rows(0, n, n), latent_dim)
    edge = tf.math.erf(truncation / 2**0.5)
    shares = edge * (2 * uniform(seed, Rows(0, n, n), latent_dim) - 1)
    return tf.clip_by_value(2**0.5 * tf.math.erfinv(shares), -truncation, truncation)


def slerp(a, b, shares):
    """Points on the great circle from a to b, (S, Z) for shares (S, 1) in [0, 1]."""
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    angle = np.arccos(np.clip(np.dot(a, b) / norms, -1, 1)) if norms else 0.0
    if np.sin(angle) < 1e-6:
        return (1 - shares) * a + shares * b
    return (np.sin((1 - shares) * angle) * a + np.sin(shares * angle) * b) / np.sin(angle)


def make(task, latents, labels=None):
    """Samples of latents in one graph, by a name; images are kept in [-1, 1]."""
    x = tf.cast(task(task.inputs_of(latents, labels)), tf.float32)
    return {"samples": tf.clip_by_value(x, -1, 1) if len(task.data_shape) == IMAGE_RANK else x}


def make_function(task):
    """Returns the graph of `make` for any batch size."""
    signature = [tf.TensorSpec([None, task.latent_dim]), *_label_spec(task)]

    def call(*inputs):
        return make(task, *inputs)["samples"]

    key = ("make", task.average_generator is None)
    return task.graph(key, lambda: tf.function(call, signature, autograph=False))


def discriminate_function(task):
    """Returns the graph of the discriminator for any batch size."""
    signature = [tf.TensorSpec([None, *task.data_shape]), *_label_spec(task)]
    return task.graph(
        "discriminate", lambda: tf.function(task.logits_of, signature, autograph=False)
    )


def _label_spec(task):
    return [] if task.num_classes is None else [tf.TensorSpec([None], tf.int32)]


def _in_batches(task, latents, labels, batch_size):
    function = make_function(task)
    return np.concatenate(
        [
            function(latents[i : i + batch_size], *_at(labels, i, batch_size))
            for i in range(0, len(latents), batch_size)
        ]
    )


def _at(labels, start, size):
    return [] if labels is None else [labels[start : start + size]]


def _labels(task, labels, n, seed):
    """Labels int32 (n,), or None where there are no classes."""
    if task.num_classes is None:
        if labels is not None:
            raise ValueError("`labels` must be None for a GAN without `num_classes`.")
        return None
    if labels is None:
        seed = tf.stack([tf.cast(seed, tf.int32), 1])
        return tf.random.stateless_uniform([n], seed, 0, task.num_classes, tf.int32, alg="philox")
    labels = np.asarray(labels)
    if labels.shape not in ((), (1,), (n,)):
        raise ValueError(
            f"`labels` must be one label for all {n}, or {n} of them; received shape "
            f"{labels.shape}."
        )
    labels = np.broadcast_to(labels, [n])
    require_labels(task, labels)
    return labels.astype("int32")
