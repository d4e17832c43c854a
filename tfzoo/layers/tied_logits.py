"""The embedding of tokens, used backwards to predict them."""

import tensorflow as tf


def tied_logits(x, embeddings):
    """How well each token of the vocabulary fits: `x embeddings^T`.

    Args:
        x: float tensor (..., D).
        embeddings: float tensor or variable (V, D); taken in the dtype of `x`.

    Returns:
        Logits (..., V).

    Source: Press and Wolf 2017, "Using the Output Embedding to Improve Language Models".
    """
    embeddings = tf.cast(tf.convert_to_tensor(embeddings), x.dtype)
    # Two axes: of three by two TensorFlow makes a product for each row of the batch, and then a
    # gradient (V, D) for each row, which it sums at last.
    logits = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), embeddings, transpose_b=True)
    return tf.reshape(logits, tf.concat([tf.shape(x)[:-1], [embeddings.shape[0]]], axis=0))
