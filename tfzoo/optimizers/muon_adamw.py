"""Muon for the matrices inside the network, AdamW for everything else."""

import re

import keras
import tensorflow as tf

from tfzoo.distribution import fastest_dtype
from tfzoo.optimizers.adamw import MatrixDecay, apply_adam

# The quintic that rises steepest at zero: singular values end within about [0.65, 1.2], not at 1.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NUM_ITERATIONS = 5


@keras.saving.register_keras_serializable(package="tfzoo")
class MuonAdamW(MatrixDecay, keras.optimizers.Optimizer):
    """Muon on hidden matrices, AdamW on embeddings, the head and vectors.

    For a matrix `W` (inputs, outputs) with gradient `G`, momentum `m` and learning rate `r`:

        m <- momentum * m + G
        W <- W - r * sqrt(max(1, outputs / inputs)) * orthogonalize(G + momentum * m)

    so that all directions of the update have about the same length. Everything else takes an AdamW
    step at `r * adam_lr_ratio`. Matrices, embeddings too, decay by `r * weight_decay`.

    `keras.optimizers.Muon` has neither this scale nor `split`, and fails under a `tf.distribute`
    strategy.

    Args:
        learning_rate: Float or schedule, the rate of Muon; AdamW's follows by `adam_lr_ratio`.
        adam_lr_ratio: Float, AdamW's learning rate as a part of Muon's.
        weight_decay: Float or None.
        momentum: Float in [0, 1), of Muon.
        beta_1: Float in [0, 1), of AdamW.
        beta_2: Float in [0, 1), of AdamW.
        exclude: List of regular expressions; a matrix whose path one of them finds goes to AdamW.
        split: Dictionary from a layer's name to the number of matrices that its kernel holds side
            by side; each is orthogonalized by itself. By default `{"query_key_value": 3}`.
        compute_dtype: String, of the products in `orthogonalize`; None takes what the devices
            multiply fastest, since "bfloat16" is exact enough. On a CPU with `jit_compile=True`
            "float32" is always faster.
        **kwargs: As `keras.optimizers.Optimizer`.

    Example:
        >>> optimizer = MuonAdamW(WarmupStableDecay(0.02), adam_lr_ratio=0.15)  # doctest: +SKIP

    Source:
        Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
        https://kellerjordan.github.io/posts/muon. Query, key and value apart: modded-nanogpt.
    """

    epsilon = 1e-8

    def __init__(
        self,
        learning_rate=0.02,
        adam_lr_ratio: float = 0.05,
        weight_decay: float | None = 0.01,
        momentum: float = 0.95,
        beta_1: float = 0.9,
        beta_2: float = 0.95,
        exclude: list[str] | tuple[str, ...] = ("embedding", r"(^|/)(lm_)?head/"),
        split: dict[str, int] | None = None,
        compute_dtype: str | None = None,
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, **kwargs)
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.exclude = list(exclude)
        self.split = {"query_key_value": 3} if split is None else dict(split)
        self.compute_dtype = compute_dtype

    def build(self, variables):
        """Creates a momentum for every variable and a velocity for those of AdamW."""
        if self.built:
            return
        super().build(variables)
        self._parts = [self._num_parts(variable) for variable in variables]
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._velocities = [
            None if parts else self.add_variable_from_reference(variable, "velocity")
            for variable, parts in zip(variables, self._parts, strict=True)
        ]

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable and its slots."""
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        if velocity is not None:
            learning_rate = learning_rate * self.adam_lr_ratio
            apply_adam(self, gradient, variable, momentum, velocity, learning_rate)
            return
        gradient = tf.cast(tf.convert_to_tensor(gradient), variable.dtype)
        memory = self.momentum * tf.convert_to_tensor(momentum.value) + gradient
        self.assign(momentum, memory)
        direction = self._direction(gradient + self.momentum * memory, self._parts[index])
        self.assign_sub(variable, tf.cast(learning_rate, variable.dtype) * direction)

    def _num_parts(self, variable):
        """How many matrices for Muon a variable holds: 0 sends it to AdamW."""
        is_excluded = any(re.search(pattern, variable.path) for pattern in self.exclude)
        if len(variable.shape) != 2 or is_excluded:
            return 0
        parts = [n for name, n in self.split.items() if name in variable.path.split("/")]
        num_parts = parts[0] if parts else 1
        if variable.shape[1] % num_parts:
            raise ValueError(
                f"`split` must divide the last axis of {variable.path}, of shape "
                f"{tuple(variable.shape)}. Received: split={self.split}."
            )
        return num_parts

    def _direction(self, matrix, num_parts):
        """(inputs, outputs) -> the same, orthogonalized by parts and scaled."""
        inputs, outputs = matrix.shape[0], matrix.shape[1] // num_parts
        parts = tf.transpose(tf.reshape(matrix, (inputs, num_parts, outputs)), (1, 0, 2))
        dtype = self.compute_dtype or keras.DTypePolicy(fastest_dtype()).compute_dtype
        parts = max(1.0, outputs / inputs) ** 0.5 * orthogonalize(parts, dtype)
        return tf.reshape(tf.transpose(parts, (1, 0, 2)), matrix.shape)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "exclude": list(self.exclude),
            "split": dict(self.split),
            "compute_dtype": self.compute_dtype,
        }


def orthogonalize(matrices, compute_dtype: str = "float32"):
    """Brings all singular values near 1 and keeps the singular vectors, without finding them.

    Five steps of `X <- a X + (b X X' + c (X X')^2) X` from `X = G / |G|` (Frobenius).

    Args:
        matrices: Float tensor (..., inputs, outputs).
        compute_dtype: String, the floating type of the matrix products.

    Returns:
        Tensor of the shape and type of `matrices`. Singular values above 0.002 of `|G|` end
        within about [0.65, 1.2], smaller ones below that, zeros at zero.
    """
    a, b, c = NEWTON_SCHULZ
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = tf.linalg.matrix_transpose(matrices) if is_tall else matrices
    x = tf.cast(x / (tf.norm(x, axis=(-2, -1), keepdims=True) + 1e-7), compute_dtype)
    for _ in range(NUM_ITERATIONS):
        gram = tf.matmul(x, x, transpose_b=True)
        x = a * x + tf.matmul(b * gram + c * tf.matmul(gram, gram), x)
    x = tf.linalg.matrix_transpose(x) if is_tall else x
    return tf.cast(x, matrices.dtype)
