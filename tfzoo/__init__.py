"""tfzoo: a Keras 3 / TensorFlow model zoo with fit-style APIs."""

from tfzoo import (
    callbacks,
    checkpoints,
    data,
    distribution,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    preprocessing,
    samplers,
)
from tfzoo.export import export, export_bundle, export_litert, export_onnx

__version__ = "0.1.0"
__all__ = [
    "callbacks",
    "checkpoints",
    "data",
    "distribution",
    "export",
    "export_bundle",
    "export_litert",
    "export_onnx",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "preprocessing",
    "samplers",
]
