"""How weights move: schedules over a run, gradients of all replicas, optimizers."""

from tfzoo.optimizers.accumulate_gradients import accumulate_gradients
from tfzoo.optimizers.adam import Adam
from tfzoo.optimizers.adamw import AdamW
from tfzoo.optimizers.aggregate_and_clip import aggregate_and_clip
from tfzoo.optimizers.auto_adamw import auto_adamw
from tfzoo.optimizers.fine_tuning_adamw import fine_tuning_adamw
from tfzoo.optimizers.muon_adamw import MuonAdamW
from tfzoo.optimizers.run_schedule import RunSchedule, WarmupCosine, WarmupStableDecay

__all__ = [
    "Adam",
    "AdamW",
    "MuonAdamW",
    "RunSchedule",
    "WarmupCosine",
    "WarmupStableDecay",
    "accumulate_gradients",
    "aggregate_and_clip",
    "auto_adamw",
    "fine_tuning_adamw",
]
