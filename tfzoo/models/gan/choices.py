"""What a GAN and its networks may be given: said at once, not in the middle of the first step."""

import keras

from tfzoo.losses import AdversarialLoss, AdversarialRegularizer
from tfzoo.models.arguments import require_ints


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


def require_players(generator_optimizer, discriminator_optimizer, others):
    """Refuses one optimizer for two networks, and what Keras's `compile` has for one objective."""
    for name in {"optimizer", "metrics"} & others.keys():
        raise ValueError(
            f"`{name}` must be left out: a GAN has `generator_optimizer` and "
            "`discriminator_optimizer`, and `evaluate` takes `metrics`."
        )
    is_name = isinstance(generator_optimizer, str)
    if not is_name and generator_optimizer is discriminator_optimizer:
        raise ValueError(
            "`discriminator_optimizer` must be another object than `generator_optimizer`: each "
            "keeps the state of its own network."
        )


def require_training(loss, discriminator_steps, generator_average, max_gradient_norm):
    """Refuses an objective that is none, and numbers out of their ranges."""
    if loss is not None and not isinstance(loss, AdversarialLoss):
        raise ValueError(
            f"`loss` must be an objective of `tfzoo.losses`, such as `Hinge()`; received {loss!r}."
        )
    require_ints(discriminator_steps=discriminator_steps)
    if generator_average is not None and not 0 <= generator_average < 1:
        raise ValueError(
            f"`generator_average` must be in [0, 1), or None; received {generator_average}."
        )
    if max_gradient_norm is not None and not max_gradient_norm > 0:
        raise ValueError(
            f"`max_gradient_norm` must be above 0, or None; received {max_gradient_norm}."
        )


def require_choices(regularizers, augmentation, data_shape):
    """Refuses regularizers and augmentations that would fail in the middle of the first step."""
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


def require_metrics(metrics):
    """Refuses what `evaluate` cannot call."""
    if not isinstance(metrics, (tuple, list)) or not all(map(callable, metrics)):
        raise ValueError(
            "`metrics` must be a list of callables `(real, fake) -> dict`, such as "
            f"`FeatureMetrics` of `tfzoo.metrics`; received {metrics!r:.80}."
        )
