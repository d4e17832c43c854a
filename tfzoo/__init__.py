"""tfzoo: a Keras 3 / TensorFlow model zoo with fit-style APIs."""

from tfzoo import layers, losses, metrics, models, optimizers

__version__ = "0.1.0"
__all__ = ["layers", "losses", "metrics", "models", "optimizers"]
