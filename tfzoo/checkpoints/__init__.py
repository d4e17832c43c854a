"""Models in files: which formats there are and what the tensors are called. No networks."""

from tfzoo.checkpoints import google_bert, hugging_face_bert, hugging_face_gpt2
from tfzoo.checkpoints.new_folder import new_folder
from tfzoo.checkpoints.preset import Preset, read_preset, write_preset
from tfzoo.checkpoints.stored_tensor import StoredTensor, read_tensors, write_tensors

__all__ = [
    "Preset",
    "StoredTensor",
    "google_bert",
    "hugging_face_bert",
    "hugging_face_gpt2",
    "new_folder",
    "read_preset",
    "read_tensors",
    "write_preset",
    "write_tensors",
]
