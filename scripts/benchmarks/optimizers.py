"""Optimizers that are compared."""

import keras

from tfzoo.optimizers import AdamW, MuonAdamW


def optimizer_of(name):
    """By its name, at a rate at which a few steps stay finite; "auto" is what `compile` takes."""
    if name == "auto":
        return name
    make, learning_rate = {
        "AdamW": (AdamW, 1e-4),
        "Adafactor": (keras.optimizers.Adafactor, 1e-3),
        "Lion": (keras.optimizers.Lion, 1e-5),
        "Muon": (MuonAdamW, 1e-3),
        "SGD": (keras.optimizers.SGD, 1e-3),
    }[name]
    return make(learning_rate)
