"""Models leave: as a SavedModel, a bundle of versions for a server, or a file for elsewhere."""

from tfzoo.export.bundle import export_bundle
from tfzoo.export.litert import export_litert
from tfzoo.export.onnx import export_onnx
from tfzoo.export.saved_model import export

__all__ = ["export", "export_bundle", "export_litert", "export_onnx"]
