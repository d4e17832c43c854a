"""What `GAN.compile` may be given: said at once, not in the middle of the first step."""

from tfzoo.losses import AdversarialRegularizer


def require_choices(regularizers, augmentation, max_gradient_norm):
    """Refuses what would fail in the middle of the first step."""
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
    if max_gradient_norm is not None and not max_gradient_norm > 0:
        raise ValueError(
            f"`max_gradient_norm` must be above 0, or None; received {max_gradient_norm}."
        )
