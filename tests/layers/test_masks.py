import numpy as np
import tensorflow as tf

from tfzoo.layers import attention_penalty, visible_slots


def as_int(mask):
    return mask.numpy().astype(int).tolist()


def test_a_token_sees_itself_and_what_came_before():
    assert as_int(visible_slots(3, 3)) == [[[1, 0, 0], [1, 1, 0], [1, 1, 1]]]


def test_offset_is_the_slot_of_the_first_query():
    expected = [[[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]]
    assert as_int(visible_slots(2, 5, offset=2)) == expected
    assert as_int(visible_slots(2, tf.constant(5), tf.constant(2))) == expected


def test_padding_is_seen_by_nobody():
    mask = [[0, 1, 1], [1, 1, 0]]
    expected = [
        [[0, 0, 0], [0, 1, 0], [0, 1, 1]],
        [[1, 0, 0], [1, 1, 0], [1, 1, 0]],
    ]
    assert as_int(visible_slots(3, 3, padding_mask=tf.constant(mask) > 0)) == expected
    assert as_int(visible_slots(3, 3, padding_mask=tf.constant(mask))) == expected
    later = visible_slots(1, 3, offset=2, padding_mask=tf.constant(mask))
    assert as_int(later) == [[[0, 1, 1]], [[1, 1, 0]]]


def test_documents_are_apart():
    expected = [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 0, 1],
    ]
    assert as_int(visible_slots(5, 5, document_ids=tf.constant([[7, 7, 2, 2, 0]]))) == [expected]


def test_penalty_is_zero_or_hides_completely():
    visible = tf.constant([[[True, False, True], [True, True, False]]])
    for dtype in ("float32", "bfloat16", "float16"):
        penalty = attention_penalty(visible, dtype)
        assert penalty.dtype == dtype and penalty.shape == (1, 1, 2, 3)
        assert np.all(np.isfinite(tf.cast(penalty, "float32")))
        np.testing.assert_array_equal(penalty[0, 0] == 0, visible[0])
        # Even if the hidden logit is the largest by far.
        logits = tf.constant([[-50, 50, -50], [-50, -50, 50]], dtype)
        shares = tf.cast(tf.nn.softmax(logits - penalty[0, 0]), "float32")
        np.testing.assert_array_equal(shares, [[0.5, 0, 0.5], [0.5, 0.5, 0]])


def test_a_query_that_sees_nothing_stays_finite():
    nothing = visible_slots(2, 3, padding_mask=tf.constant([[False] * 3]))
    for dtype in ("float32", "bfloat16", "float16"):
        shares = tf.nn.softmax(
            tf.cast([[[0.5, 1.5, -2.0]]], dtype) - attention_penalty(nothing, dtype)
        )
        np.testing.assert_allclose(tf.cast(shares, "float32"), np.full((1, 1, 2, 3), 1 / 3), 1e-2)
