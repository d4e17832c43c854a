"""AdamW in one fused operation per weight, with decay where a Transformer wants it."""

import re

import keras
import tensorflow as tf


class MatrixDecay:
    """A mix-in for Keras optimizers: weight decay leaves vectors alone.

    Biases and the scales of normalisations have no direction to shrink along, and decay would only
    fight their task. `exclude_from_weight_decay` excludes further variables, as in Keras.
    """

    _excluded = ((), None)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Excludes variables from decay, besides the vectors; to be called before `build`.

        Args:
            var_list: Optional list of `keras.Variable`.
            var_names: Optional list of strings, each a part of the names to exclude.
        """
        self._excluded = (tuple(var_list or ()), var_names)
        super().exclude_from_weight_decay(var_list, var_names)

    def build(self, variables):
        """Creates the slots, and excludes every variable with fewer than two axes from decay."""
        var_list, var_names = self._excluded
        vectors = [variable for variable in variables if len(variable.shape) < 2]
        super().exclude_from_weight_decay([*var_list, *vectors], var_names)
        super().build(variables)


@keras.saving.register_keras_serializable(package="tfzoo")
class AdamW(MatrixDecay, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW`, fused, with weight decay on matrices only.

    Constructor, slots and numbers are those of Keras, with two differences. Variables with fewer
    than two axes do not decay. The rows of a repeated index in a sparse gradient are added before
    they are squared; Keras squares them one by one.

    Without XLA, Keras reads and writes each weight and slot a dozen times in a step; TensorFlow's
    `ResourceApplyAdam` does so once, which takes a third of the time. `amsgrad` is not fused.

    Args:
        *args: As `keras.optimizers.AdamW`.
        learning_rate_factors: Optional dictionary from regular expressions to floats of 0 or more.
            A variable whose path contains the expression moves and decays at the learning rate
            times this number; where several expressions match, the first counts.
        **kwargs: As `keras.optimizers.AdamW`.

    Raises:
        ValueError: If a factor is below 0.

    Example:
        >>> optimizer = AdamW(1e-3, beta_2=0.99, weight_decay=0.1)
        >>> model.compile(optimizer, "mse")  # doctest: +SKIP

    Source:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.
        No decay on vectors: GPT-3 and nanoGPT, which decay embeddings too, as here.
    """

    def __init__(self, *args, learning_rate_factors=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.learning_rate_factors = dict(learning_rate_factors or {})
        for pattern, factor in self.learning_rate_factors.items():
            if not factor >= 0:
                raise ValueError(
                    "`learning_rate_factors` must be numbers of 0 or more. "
                    f"Received: {factor} for {pattern!r}."
                )

    def build(self, variables):
        """Creates the slots and looks up the factor of each variable."""
        super().build(variables)
        self._factors = [self._factor(variable.path) for variable in variables]

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable and its two slots."""
        index = self._get_variable_index(variable)
        if self._factors[index] != 1:
            learning_rate = learning_rate * self._factors[index]
        if self.weight_decay is not None and self._use_weight_decay(variable):
            decay = tf.cast(learning_rate, variable.dtype) * self.weight_decay
            variable.assign_sub(variable * decay)
        if self.amsgrad or not can_be_fused(variable):
            super().update_step(tf.convert_to_tensor(gradient), variable, learning_rate)
            return
        slots = self._momentums[index], self._velocities[index]
        apply_adam(self, gradient, variable, *slots, learning_rate)

    def _apply_weight_decay(self, variables):
        """Does nothing: `update_step` decays, because there each variable has its own rate."""

    def _factor(self, path):
        found = (f for pattern, f in self.learning_rate_factors.items() if re.search(pattern, path))
        return float(next(found, 1.0))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate_factors": self.learning_rate_factors}


def can_be_fused(variable):
    """Whether one operation may move a variable: not one that lies in parts on several devices.

    The operation writes past the variable, and DTensor does not keep writes in order.
    """
    return not isinstance(variable, tf.experimental.dtensor.DVariable)


def apply_adam(optimizer, gradient, variable, momentum, velocity, learning_rate):
    """One Adam step (Kingma and Ba, 2015, section 2, last form) in one operation.

    Args:
        optimizer: Has `beta_1`, `beta_2`, `epsilon` and `iterations`, the steps taken so far.
        gradient: Tensor or `tf.IndexedSlices` of the shape of `variable`.
        variable: `tf.Variable`, moved.
        momentum: `keras.Variable` of the same shape, the mean of gradients, moved.
        velocity: `keras.Variable` of the same shape, the mean of squared gradients, moved.
        learning_rate: Float scalar.
    """

    def scalar(value):
        return tf.cast(value, variable.dtype)

    beta_1, beta_2 = scalar(optimizer.beta_1), scalar(optimizer.beta_2)
    step = scalar(optimizer.iterations + 1)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=momentum.value.handle,
        v=velocity.value.handle,
        beta1_power=tf.pow(beta_1, step),
        beta2_power=tf.pow(beta_2, step),
        lr=scalar(learning_rate),
        beta1=beta_1,
        beta2=beta_2,
        epsilon=scalar(optimizer.epsilon),
        grad=scalar(tf.convert_to_tensor(gradient)),
    )
