import keras
import numpy as np
import pytest

from tfzoo.losses import LabelLoss


def test_by_hand():
    # sigmoid(ln 3) = 3/4, so that a label that is there costs ln 4/3 and one that is not ln 4.
    logits = np.log([[3.0, 3.0, 1 / 3]])
    loss = LabelLoss()(np.array([[True, False, False]]), logits)
    np.testing.assert_allclose(loss, np.log([[4 / 3, 4, 4 / 3]]), rtol=1e-6)
    smooth = LabelLoss(label_smoothing=0.5)(np.array([[1, 0, 0]]), logits)
    expected = 0.75 * np.log([[4 / 3, 4, 4 / 3]]) + 0.25 * np.log([[4, 4 / 3, 4]])
    np.testing.assert_allclose(smooth, expected, rtol=1e-6)


def test_large_logits_are_finite_in_half_precision():
    loss = LabelLoss()(np.array([[1, 0], [0, 1]]), np.array([[50, -50], [50, -50]], "float16"))
    np.testing.assert_allclose(loss, [[0, 0], [50, 50]], atol=1e-6)


def test_comes_back_from_its_config_and_refuses_bad_smoothing():
    loss = keras.saving.serialize_keras_object(LabelLoss(0.25))
    assert keras.saving.deserialize_keras_object(loss).label_smoothing == 0.25
    with pytest.raises(ValueError, match=r"`label_smoothing` must be in \[0, 1\); received 1"):
        LabelLoss(1)
