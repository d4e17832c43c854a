"""How weights move: schedules over a run, gradients of all replicas, optimizers."""

from tfzoo.optimizers.accumulate_gradients import accumulate_gradients
from tfzoo.optimizers.aggregate_and_clip import aggregate_and_clip
from tfzoo.optimizers.run_schedule import RunSchedule, WarmupCosine, WarmupStableDecay

__all__ = ["RunSchedule", "WarmupCosine", "WarmupStableDecay", "accumulate_gradients",
    "aggregate_and_clip"]
