"""tfzoo: a Keras 3 / TensorFlow model zoo with fit-style APIs."""

from tfzoo import callbacks, data, layers, losses, metrics, models, optimizers, preprocessing
from tfzoo import samplers

__version__ = "0.1.0"
__all__ = [
    "callbacks",
    "data",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "preprocessing",
    "samplers",
]
