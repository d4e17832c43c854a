"""The optimizer of whoever does not want to choose one."""

import math

from tfzoo.optimizers.adamw import AdamW
from tfzoo.optimizers.run_schedule import WarmupCosine


def auto_adamw(num_parameters: int | None = None) -> AdamW:
    """Returns AdamW with the settings that train a GPT of this size: `compile(optimizer="auto")`.

    The learning rate warms up over 2 % of the run and falls along a cosine to a tenth; `fit` tells
    the schedule the length of the run. The peak is 1e-3, or for a known size `N` at most
    `0.003239 - 0.0001395 ln N`, but at least 1e-4: 9.9e-4 for 10 million, 6.6e-4 for 110 million
    parameters. Matrices decay by 0.1, embeddings included; vectors do not.

    `beta_2` is 0.99: with the batches of one device (under 100,000 tokens) the squared gradient
    needs a longer memory than the 0.95 of batches of millions. Clip with `aggregate_and_clip`.

    Args:
        num_parameters: Optional integer of 1 or more, the weights of the model without embeddings.

    Returns:
        `AdamW`.

    Raises:
        ValueError: If `num_parameters` is below 1.

    Source:
        Kaplan et al., "Scaling Laws for Neural Language Models", 2020, equation D.1, which counts
        weights without embeddings; nanoGPT for the other values.
    """
    if num_parameters is not None and num_parameters < 1:
        raise ValueError(
            "`num_parameters` must be the number of weights of a model, 1 or more. "
            f"Received: num_parameters={num_parameters}."
        )
    peak = 1e-3
    if num_parameters is not None:
        peak = min(peak, max(1e-4, 0.003239 - 0.0001395 * math.log(num_parameters)))
    return AdamW(WarmupCosine(peak), beta_2=0.99, epsilon=1e-8, weight_decay=0.1)
