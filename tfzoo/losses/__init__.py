"""The mathematics of objectives. They know logits, not networks."""

from tfzoo.losses.adversarial import (
    AdversarialLoss,
    Hinge,
    LeastSquares,
    MinMax,
    NonSaturating,
    Relativistic,
    Wasserstein,
)
from tfzoo.losses.adversarial_regularizers import (
    R1,
    R2,
    AdversarialRegularizer,
    Consistency,
    Critique,
    GradientPenalty,
)
from tfzoo.losses.contrastive_loss import ContrastiveLoss
from tfzoo.losses.label_loss import LabelLoss
from tfzoo.losses.token_loss import TokenLoss

__all__ = [
    "AdversarialLoss",
    "AdversarialRegularizer",
    "Consistency",
    "ContrastiveLoss",
    "Critique",
    "GradientPenalty",
    "Hinge",
    "LabelLoss",
    "LeastSquares",
    "MinMax",
    "NonSaturating",
    "R1",
    "R2",
    "Relativistic",
    "TokenLoss",
    "Wasserstein",
]
