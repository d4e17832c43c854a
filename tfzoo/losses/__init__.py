"""Station 4a: the mathematics of objectives. They know logits, not networks."""

from tfzoo.losses.token_loss import TokenLoss

__all__ = ["TokenLoss"]
