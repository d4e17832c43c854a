"""The optimizer of whoever adapts a pretrained network and does not want to choose one."""

from collections.abc import Mapping

from tfzoo.optimizers.adamw import AdamW
from tfzoo.optimizers.run_schedule import WarmupStableDecay


def fine_tuning_adamw(
    peak: float = 1e-4, learning_rate_factors: Mapping[str, float] | None = None
) -> AdamW:
    """Returns AdamW with the settings that adapt a pretrained encoder to a task.

    The learning rate warms up over 10 % of the run and falls along a straight line to zero; `fit`
    tells the schedule the length of the run. Matrices decay by 0.01; vectors do not.

    Args:
        peak: Float above 0, the highest learning rate: 2e-5 to 5e-5 for BERT-base, more for smaller
            networks.
        learning_rate_factors: See `AdamW`.

    Returns:
        `AdamW`.

    Example:
        >>> optimizer = fine_tuning_adamw(5e-5, {"embedding": 0.0})
        >>> optimizer.learning_rate_factors
        {'embedding': 0.0}

    Source:
        Devlin et al., "BERT", 2019, appendix A.2 and A.3.
    """
    schedule = WarmupStableDecay(peak, warmup_fraction=0.1, decay_fraction=1.0)
    return AdamW(
        schedule,
        beta_2=0.999,
        epsilon=1e-6,
        weight_decay=0.01,
        learning_rate_factors=learning_rate_factors,
    )
