"""A backbone that computes its blocks again trains as one that keeps what they made."""

import keras
import numpy as np
import pytest

from tests.laws.zoo import ZOO
from tfzoo.data import batches

ENTRIES = {entry.name: entry for entry in ZOO}


def trained(entry, data, strategy, recompute):
    with strategy.scope():
        keras.utils.set_random_seed(5)
        model = entry.build(dropout=0.3)
        model.backbone.recompute = recompute
        entry.compile(model, lambda: keras.optimizers.SGD(0.5), max_gradient_norm=1.0)
    model.fit(batches(data, 4), epochs=2, verbose=0)
    return model


@pytest.mark.parametrize("name", ["modern_gpt", "masked_bert"])
def test_training_is_equal_on_replicas_with_dropout(name, two_replicas):
    entry = ENTRIES[name]
    data = entry.batch(np.random.default_rng(1729), rows=8)
    plain, other = (trained(entry, data, two_replicas, recompute) for recompute in (False, True))
    for variable, again in zip(plain.variables, other.variables, strict=True):
        np.testing.assert_allclose(variable, again, atol=1e-6, err_msg=variable.path)
    assert other.backbone.get_config()["recompute"]
