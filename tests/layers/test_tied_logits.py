import numpy as np
import pytest
import tensorflow as tf

from tfzoo.layers import tied_logits

V, D = 11, 5


@pytest.mark.parametrize("shape", [(D,), (7, D), (3, 7, D), (2, 3, 7, D)])
def test_each_token_is_scored_by_its_embedding(rng, shape):
    x, embeddings = rng.normal(size=shape), rng.normal(size=(V, D))
    logits = tied_logits(tf.constant(x, tf.float32), tf.Variable(embeddings))
    np.testing.assert_allclose(logits, x @ embeddings.T, rtol=1e-5, atol=1e-6)


def test_embeddings_are_taken_in_the_dtype_of_the_vectors(rng):
    x = tf.constant(rng.normal(size=(3, D)), tf.bfloat16)
    assert tied_logits(x, tf.Variable(rng.normal(size=(V, D)), dtype=tf.float32)).dtype == x.dtype


def test_the_sizes_are_known_before_anything_is_computed():
    @tf.function(input_signature=[tf.TensorSpec([None, None, D])])
    def logits(x):
        return tied_logits(x, tf.zeros([V, D]))

    assert logits.get_concrete_function().output_shapes.as_list() == [None, None, V]


@pytest.fixture
def rng():
    return np.random.default_rng(5)
