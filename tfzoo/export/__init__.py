"""Models leave: one SavedModel, or a bundle of numbered versions for a server."""

from tfzoo.export.bundle import export_bundle
from tfzoo.export.saved_model import export

__all__ = ["export", "export_bundle"]
