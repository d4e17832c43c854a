"""Pointwise nonlinearities that Keras does not name."""

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="tfzoo")
def gelu_approximate(x):
    """GELU in the tanh form that GPT-2 was trained with.

    `0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`

    Source: Hendrycks & Gimpel 2016, "Gaussian Error Linear Units", section 2.
    """
    return ops.gelu(x, approximate=True)


@keras.saving.register_keras_serializable(package="tfzoo")
def gelu_by_erf(x):
    """Exact GELU, `0.5 x (1 + erf(x / sqrt(2)))`, for runtimes that have no `erfc`.

    Keras writes it by `erfc`, which is nearer to 0 far on the left, by 1e-7 |x| at most.

    Source: Hendrycks & Gimpel 2016, "Gaussian Error Linear Units", section 2.
    """
    return 0.5 * x * (1 + tf.math.erf(x * 0.5**0.5))


@keras.saving.register_keras_serializable(package="tfzoo")
def relu_squared(x):
    """`max(x, 0)^2`: cheaper than GELU; `scripts/train_gpt.py --without gelu` says what it costs.

    Source: So et al. 2021, "Primer: Searching for Efficient Transformers", section 4.2.
    """
    return ops.square(ops.relu(x))


def leaky_relu(x, negative_slope=0.2):
    """`x` where positive, else `negative_slope * x`, with a derivative that reads the output only.

    The output has the sign of the input. So the input need not be kept for the way back, and
    TensorFlow can compute a convolution, its bias and this in one operation.

    Args:
        x: float tensor.
        negative_slope: float >= 0; 0 makes a plain ReLU.

    Source: Maas et al. 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    @tf.custom_gradient
    def activate(x):
        y = tf.nn.leaky_relu(x, negative_slope)

        def gradient(upstream):
            return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=y, alpha=negative_slope)

        return y, gradient

    return activate(x)
