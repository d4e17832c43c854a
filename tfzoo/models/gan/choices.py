"""What a GAN and its networks may be given: said at once, not in the middle of the first step."""

import keras
import numpy as np

from tfzoo.losses import AdversarialRegularizer
from tfzoo.models.arguments import is_int

INT32 = np.iinfo("int32")


def require_seed(name, seed):
    """Refuses what does not seed TensorFlow's generators, which would take it modulo 2^32."""
    if not is_int(seed) or not INT32.min <= seed <= INT32.max:
        raise ValueError(
            f"`{name}` must be an int of 32 bits, from {INT32.min} to {INT32.max}; received "
            f"{seed!r:.80}."
        )


def require_networks(**networks):
    """Refuses networks that are no Keras models."""
    for name, network in networks.items():
        if not isinstance(network, keras.layers.Layer):
            raise ValueError(
                f"`{name}` must be a Keras model, such as `tfzoo.models.DCGANGenerator(...)` or "
                f"one of your own; received {network!r:.80}."
            )


def require_logits(discriminator):
    """Refuses a discriminator that ends in a sigmoid, which the losses would apply once more."""
    last = discriminator
    while getattr(last, "layers", None):
        last = last.layers[-1]
    if getattr(last, "activation", None) is keras.activations.sigmoid:
        raise ValueError(
            "`discriminator` must end in logits, numbers of any size; received one whose last "
            f"layer, {last.name!r}, has the activation sigmoid. Drop the activation."
        )


def require_choices(data_shape, regularizers, augmentation, max_gradient_norm):
    """Refuses arguments of `compile` that would fail in the middle of the first step."""
    wanted = isinstance(regularizers, (list, tuple)) and all(
        isinstance(regularizer, AdversarialRegularizer) for regularizer in regularizers
    )
    if not wanted:
        raise ValueError(
            "`regularizers` must be a list of those of `tfzoo.losses`, such as `[R1(1.0)]`; "
            f"received {regularizers!r:.80}."
        )
    is_class = isinstance(augmentation, type)
    if augmentation is not None and (is_class or not hasattr(augmentation, "num_random")):
        raise ValueError(
            "`augmentation` must be one of `tfzoo.preprocessing`, such as `DiffAugment()`, or "
            f"None; received {augmentation!r:.80}."
        )
    if augmentation is not None and len(data_shape) != 3:
        raise ValueError(
            "`augmentation` must be None for samples that are no images (H, W, C); received "
            f"{type(augmentation).__name__} for samples of shape {data_shape}."
        )
    if max_gradient_norm is not None and not max_gradient_norm > 0:
        raise ValueError(
            f"`max_gradient_norm` must be above 0, or None; received {max_gradient_norm}."
        )


def require_metrics(metrics):
    """Refuses what `evaluate` cannot call."""
    if not isinstance(metrics, (tuple, list)) or not all(map(callable, metrics)):
        raise ValueError(
            "`metrics` must be a list of callables `(real, fake) -> dict`, such as "
            f"`FeatureMetrics` of `tfzoo.metrics`; received {metrics!r:.80}."
        )
