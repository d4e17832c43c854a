import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from tests.laws.zoo import LENGTH, PIECES, VOCABULARY_SIZE, ZOO, point_gan
from tfzoo.losses import Relativistic
from tfzoo.models.work import forward_operations

ROWS = 5
# D 18, F 29, L 2: query, key, value and output, and the two matrices of the feed-forward network.
BLOCKS = 2 * (4 * 18 * 18 + 2 * 18 * 29)
ATTENTION = 12 * 2 * 18 * LENGTH
# Weights of the head that each token meets, and of that which some vectors meet.
HEADS = {"gpt": (VOCABULARY_SIZE * 18, 0), "modern_gpt": (VOCABULARY_SIZE * 18, 0)}
HEADS["masked_bert"] = (0, 18 * 18 + len(PIECES) * 18)


@pytest.mark.parametrize("entry", ZOO, ids=lambda entry: entry.name)
def test_what_is_in_a_batch(entry):
    model, batch = entry.build(), entry.batch(np.random.default_rng(5), ROWS)
    entry.compile(model, lambda: keras.optimizers.SGD(0.1))
    data = tf.data.Dataset.from_tensors(batch)
    found = next(iter(data.map(lambda *batch: model.work_of(batch)))).numpy()
    if "gan" in entry.name:
        assert model.work_unit == {"conditional_gan": "images", "point_gan": "samples"}[entry.name]
        assert found[0] == ROWS and found[1] > 0
        return
    x, _, weights = batch
    parts = [x] if "token_ids" in x else list(x.values())
    tokens = sum(part["padding_mask"].sum() for part in parts)
    assert model.work_unit == "tokens" and found[0] == tokens
    assert tokens < sum(part["token_ids"].size for part in parts)  # there is padding
    of_all, of_some = HEADS.get(entry.name, (0, 0))
    expected = tokens * (6 * (BLOCKS + of_all) + ATTENTION) + 6 * of_some * (weights > 0).sum()
    assert_allclose(found[1], expected, rtol=1e-12)


def test_packed_documents_are_real_where_they_have_a_number():
    model = ZOO[0].build()
    numbers = np.array([[1, 1, 2, 0, 0], [1, 2, 3, 3, 0]], "int32")
    x = {"token_ids": np.zeros_like(numbers), "document_ids": numbers}
    assert model.work_of((x, numbers))[0] == 7
    assert model.work_of(({"token_ids": numbers}, numbers))[0] == 10


def test_operations_of_a_network():
    layers = [
        keras.Input((8, 6, 3)),
        keras.layers.Conv2D(5, 3, strides=2, padding="same", groups=1),
        keras.layers.Conv2DTranspose(7, 2, strides=2),
        keras.layers.Flatten(),
        keras.layers.Dense(11),
    ]
    found = forward_operations(keras.Sequential(layers), tf.TensorSpec([2, 8, 6, 3]))
    convolutions = 4 * 3 * 5 * (3 * 3 * 3) + 4 * 3 * 5 * (2 * 2 * 7)
    assert found == 2 * 2 * (convolutions + 8 * 6 * 7 * 11)


def test_both_updates_of_a_gan():
    model = point_gan()
    model.compile(loss=Relativistic(), discriminator_steps=3)
    # Z 5, widths 11 and 13; the discriminator has widths 13 and 11, and judges pairs.
    g = 2 * (5 * 11 + 11 * 13 + 13 * 2)
    d = 2 * (4 * 13 + 13 * 11 + 11) / 2
    of_discriminator = g + d + d + 2 * (d + d)
    of_generator = g + d + d + 2 * g + d  # it compares with real samples
    work = model.work_of((np.zeros((6, 2), "float32"),))
    assert_allclose(work, [6, 6 * (of_discriminator + of_generator / 3)])
