"""What `tfzoo.callbacks.Throughput` asks of a task: tokens and operations of a batch, and rates.

A product of a matrix and a vector is 2 operations for each weight forwards and 4 backwards,
whatever is frozen or computed again: what the model asks for, not what a machine does.

Source: Chowdhery et al. 2022, "PaLM", appendix B; a GAN is counted alike, network by network.
"""

import math

import keras
import tensorflow as tf

FORWARDS, BACKWARDS = 2, 4


def of_text(backbone, batch, head_weights=0):
    """Counts the real tokens of a batch, and operations `6 N + 12 L D T` for each.

    Args:
        backbone: its `blocks` hold L layers of width D, and N weights of matrices together.
        batch: inputs, or a tuple that begins with them: rows (B, T), perhaps in several parts.
        head_weights: int, weights of other matrices that each token is multiplied by, part of N.

    Returns:
        float64 (2,): tokens, operations.
    """
    weights = head_weights + matrix_weights_of(backbone)
    operations_per_token = (FORWARDS + BACKWARDS) * weights
    operations_per_pair = 2 * (FORWARDS + BACKWARDS) * len(backbone.blocks) * backbone.hidden_dim
    x, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
    total = tf.zeros(2, tf.float64)
    for rows in rows_of(x):
        tokens = tf.cast(tf.math.count_nonzero(is_real(rows)), tf.float64)
        length = tf.cast(tf.shape(rows["token_ids"])[-1], tf.float64)
        operations = tokens * (operations_per_token + operations_per_pair * length)
        total += tf.stack([tokens, operations])
    return total


def matrix_weights_of(backbone):
    """How many weights the matrices of the backbone's blocks have together."""
    return sum(
        math.prod(weight.shape)
        for block in backbone.blocks
        for weight in block.weights
        if len(weight.shape) == 2
    )


def of_predictions(weights, matrix_weights):
    """Operations of a head that reads some of the vectors only.

    Args:
        weights: float (B, P), above 0 where a vector counts.
        matrix_weights: int, weights of the head's matrices.

    Returns:
        float64 (2,): no tokens, operations.
    """
    count = tf.cast(tf.math.count_nonzero(weights > 0), tf.float64)
    return tf.stack([0.0, (FORWARDS + BACKWARDS) * matrix_weights * count])


def learning_rate_of(optimizer):
    """The learning rate of the step to come, on one replica or many, float."""
    return float(tf.convert_to_tensor(optimizer.learning_rate))


def rows_of(x):
    """The parts of a step's inputs that have `token_ids`."""
    if "token_ids" in x:
        return [x]
    return [rows for part in x.values() if isinstance(part, dict) for rows in rows_of(part)]


def is_real(rows):
    """Where there are tokens and no padding, (B, T)."""
    for name in ("padding_mask", "document_ids"):
        if rows.get(name) is not None:
            return rows[name]
    return tf.ones_like(rows["token_ids"])


def forward_operations(network, *inputs):
    """Operations of one call: products of matrices, and convolutions.

    Args:
        network: a Keras model.
        *inputs: `tf.TensorSpec` without unknown sizes, one for each input.

    Returns:
        Int.
    """

    @tf.function
    def call(*inputs):
        return network(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    with tf.init_scope():  # whoever asks may be making a graph
        graph = call.get_concrete_function(*inputs).graph
    return FORWARDS * sum(_products(operation) for operation in graph.get_operations())


def _products(operation):
    """Multiplications of two numbers in an operation of a graph, where it is one that matters."""
    sizes = [tensor.shape.num_elements() for tensor in (*operation.inputs, *operation.outputs)]
    if operation.type == "MatMul":
        # Each of the three axes belongs to two of the three matrices.
        return math.isqrt(math.prod(sizes))
    # Images that come out, or that go into a transposed convolution, whose first input is a shape.
    if operation.type in ("Conv2D", "Conv2DBackpropInput"):
        height, width, channels, _ = operation.inputs[1].shape
        return sizes[2] * height * width * channels
    return 0
