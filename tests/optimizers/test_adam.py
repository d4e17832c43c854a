import keras
import numpy as np
import pytest

from tests.optimizers.test_adamw import make_gradients, make_variables, values_of
from tfzoo.optimizers import Adam


@pytest.mark.parametrize("arguments", [{}, {"beta_1": 0.0, "beta_2": 0.99}, {"amsgrad": True}])
def test_it_equals_keras(arguments):
    results = []
    for kind in (Adam, keras.optimizers.Adam):
        optimizer, variables = kind(0.01, **arguments), make_variables()
        for step in range(4):
            optimizer.apply(make_gradients(step), variables)
        results.append([*values_of(variables), *values_of(optimizer.variables)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=3e-5, atol=1e-7)


def test_a_config_makes_it_again():
    config = keras.saving.serialize_keras_object(Adam(0.01, beta_1=0.5))
    twin = keras.saving.deserialize_keras_object(config)
    assert type(twin) is Adam and twin.beta_1 == 0.5
