"""When to look at a run."""

from tfzoo.callbacks.collapse_warning import CollapseWarning
from tfzoo.callbacks.image_grid import ImageGrid, TrainingGif
from tfzoo.callbacks.loss_curve import LossCurve
from tfzoo.callbacks.metrics_log import MetricsLog
from tfzoo.callbacks.profile import Profile
from tfzoo.callbacks.resume import PREEMPTED_EXIT_CODE, Resume
from tfzoo.callbacks.stop_on_nan import StopOnNaN
from tfzoo.callbacks.tensorboard_log import TensorBoardLog
from tfzoo.callbacks.text_samples import TextSamples
from tfzoo.callbacks.throughput import Throughput
from tfzoo.callbacks.tile_images import tile_images, write_picture

__all__ = [
    "PREEMPTED_EXIT_CODE",
    "CollapseWarning",
    "ImageGrid",
    "LossCurve",
    "MetricsLog",
    "Profile",
    "Resume",
    "StopOnNaN",
    "TensorBoardLog",
    "TextSamples",
    "Throughput",
    "TrainingGif",
    "tile_images",
    "write_picture",
]
