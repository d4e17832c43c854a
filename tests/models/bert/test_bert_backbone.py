import numpy as np
import pytest
import tensorflow as tf

from tfzoo.models import BertBackbone

B, T, V, D = 3, 7, 23, 10


@pytest.fixture
def backbone():
    backbone = BertBackbone(V, 2, 5, D, 13, 0.5, max_sequence_length=11, num_segments=3)
    rng = np.random.default_rng(3)
    for variable in backbone.weights:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    return backbone


@pytest.fixture
def inputs():
    rng = np.random.default_rng(5)
    return {
        "token_ids": rng.integers(0, V, (B, T)).astype("int32"),
        "segment_ids": rng.integers(0, 3, (B, T)).astype("int32"),
        "padding_mask": np.arange(T) < np.array([[T], [4], [1]]),
    }


def vectors(backbone, inputs, **kwargs):
    return backbone(inputs, **kwargs)["sequence_output"].numpy()


def test_padding_changes_nothing_real(backbone, inputs):
    real = inputs["padding_mask"]
    expected = vectors(backbone, inputs)
    inputs["token_ids"] = np.where(real, inputs["token_ids"], 1)
    np.testing.assert_allclose(vectors(backbone, inputs)[real], expected[real], atol=1e-5)
    short = {name: part[1:2, :4] for name, part in inputs.items()}
    np.testing.assert_allclose(vectors(backbone, short)[0], expected[1, :4], atol=1e-5)


def test_every_token_sees_every_other(backbone, inputs):
    row = {name: part[:1] for name, part in inputs.items()}
    before = vectors(backbone, row)
    row["token_ids"] = row["token_ids"].copy()
    row["token_ids"][0, 3] = (row["token_ids"][0, 3] + 1) % V
    assert np.abs(vectors(backbone, row) - before).max(-1).min() > 1e-3


def test_packed_documents_are_as_if_alone(backbone, inputs):
    token_ids, segment_ids = inputs["token_ids"][0], inputs["segment_ids"][0]
    documents = np.array([4, 4, 4, 9, 9, 0, 0], "int32")
    packed = {"token_ids": token_ids[None], "segment_ids": segment_ids[None]}
    together = vectors(backbone, packed | {"document_ids": documents[None]})[0]
    for document in (4, 9):
        places = documents == document
        alone = {name: part[:, places] for name, part in packed.items()}
        np.testing.assert_allclose(together[places], vectors(backbone, alone)[0], atol=1e-5)
    assert np.isfinite(together).all()


def test_segments_are_all_zero_unless_given(backbone, inputs):
    segments = inputs.pop("segment_ids")
    expected = vectors(backbone, inputs | {"segment_ids": np.zeros_like(segments)})
    np.testing.assert_array_equal(vectors(backbone, inputs), expected)
    assert np.abs(vectors(backbone, inputs | {"segment_ids": segments}) - expected).max() > 0.01


def test_the_pooler_reads_the_first_position(backbone, inputs):
    outputs = backbone(inputs)
    kernel, bias = (weight.numpy() for weight in backbone.pooler.weights)
    first = outputs["sequence_output"].numpy()[:, 0]
    np.testing.assert_allclose(outputs["pooled_output"], np.tanh(first @ kernel + bias), atol=1e-6)


def test_without_a_pooler(inputs):
    backbone = BertBackbone(V, 1, 2, D, num_segments=3, use_pooler=False)
    assert backbone(inputs).keys() == {"sequence_output"}
    assert backbone.without_pooler(backbone.weights) == backbone.weights


def test_the_pooler_can_be_left_out_of_training(backbone):
    left = backbone.without_pooler(backbone.trainable_variables)
    assert len(left) == len(backbone.trainable_variables) - 2
    assert not any("pooler" in variable.path for variable in left)


def test_every_weight_has_a_gradient(backbone, inputs):
    with tf.GradientTape() as tape:
        outputs = backbone(inputs, training=True)
        loss = sum(tf.reduce_sum(tf.sin(3 * part)) for part in outputs.values())
    gradients = tape.gradient(loss, backbone.trainable_variables)
    for variable, gradient in zip(backbone.trainable_variables, gradients, strict=True):
        dense = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(dense).all() and np.abs(dense).max() > 1e-6, variable.path


def test_dropout_is_silent_at_inference(backbone, inputs):
    np.testing.assert_array_equal(vectors(backbone, inputs), vectors(backbone, inputs))
    assert np.abs(vectors(backbone, inputs, training=True) - vectors(backbone, inputs)).max() > 0.1


def test_config_makes_it_again(backbone, inputs):
    again = BertBackbone.from_config(backbone.get_config())
    again.set_weights(backbone.get_weights())
    assert again.get_config() == backbone.get_config()
    np.testing.assert_array_equal(vectors(again, inputs), vectors(backbone, inputs))


def test_heads_that_do_not_divide():
    with pytest.raises(ValueError, match="`num_heads` must divide `hidden_dim`; received num_head"):
        BertBackbone(V, 1, 3, D)


def test_texts_longer_than_the_positions(backbone):
    token_ids = np.ones([1, 13], "int32")
    with pytest.raises(ValueError, match="at most 11 tokens.*received 13"):
        backbone({"token_ids": token_ids})
