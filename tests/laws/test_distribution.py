"""Two replicas with half a batch each are one device with the whole batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.laws.zoo import entries
from tfzoo.data import batches
from tfzoo.optimizers import AdamW, WarmupCosine


def trained(entry, data, strategy, optimizer):
    with strategy.scope():
        keras.utils.set_random_seed(5)
        model = entry.build()
        entry.compile(model, optimizer, max_gradient_norm=0.3)
    logs = model.fit(batches(data, 4), epochs=2, verbose=0).history
    logs |= model.evaluate(batches(data, 4), return_dict=True, verbose=0)
    return model.get_weights(), logs


def assert_equal_on_replicas(entry, rng, two_replicas, optimizer):
    # Lengths differ widely from row to row, so the replicas hold unequal numbers of real tokens.
    data = entry.batch(rng, rows=8)
    one, one_logs = trained(entry, data, tf.distribute.OneDeviceStrategy("CPU:0"), optimizer)
    two, two_logs = trained(entry, data, two_replicas, optimizer)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for name, value in one_logs.items():
        np.testing.assert_allclose(value, two_logs[name], rtol=1e-5, err_msg=name)


def test_sgd_with_clipping_is_equal_on_replicas(entry, rng, two_replicas):
    assert_equal_on_replicas(entry, rng, two_replicas, lambda: keras.optimizers.SGD(0.5))


# What an optimizer makes of equal gradients is the same for every model that has as many.
@pytest.mark.parametrize("name", ["modern_gpt", "conditional_gan"])
def test_the_automatic_optimizer_is_equal_on_replicas(name, rng, two_replicas):
    entry = next(entry for entry in entries() if entry.name == name)
    # Adam divides by what may be almost zero: a large epsilon keeps rounding from being amplified.
    assert_equal_on_replicas(
        entry, rng, two_replicas, lambda: AdamW(WarmupCosine(1e-2), weight_decay=0.1, epsilon=1e-3)
    )
