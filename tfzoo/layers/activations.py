"""Pointwise nonlinearities that Keras does not name."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfzoo")
def gelu_approximate(x):
    """GELU in the tanh form that GPT-2 was trained with.

    `0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`

    Source: Hendrycks & Gimpel 2016, "Gaussian Error Linear Units", section 2.
    """
    return ops.gelu(x, approximate=True)


@keras.saving.register_keras_serializable(package="tfzoo")
def relu_squared(x):
    """`max(x, 0)^2`: as good as GELU in small language models, and cheaper.

    Source: So et al. 2021, "Primer: Searching for Efficient Transformers", section 4.2.
    """
    return ops.square(ops.relu(x))
