import numpy as np
import tensorflow as tf

from tfzoo.layers import KeyValueCache, SelfAttention, attention_penalty, visible_slots


def test_an_empty_cache_has_a_slot_for_each_position():
    mask = tf.constant([[False, True, True, True, True]] * 2)
    cache = KeyValueCache.empty(3, 2, 7, mask, "bfloat16")
    assert len(cache.keys) == len(cache.values) == 3
    for slots in (*cache.keys, *cache.values):
        assert slots.shape == (2, 2, 5, 7) and slots.dtype == "bfloat16"
        assert not np.any(slots)
    np.testing.assert_array_equal(cache.padding_mask, mask)
    assert cache.index == 0


def test_a_layer_reads_its_own_slice():
    cache = KeyValueCache(("k0", "k1"), ("v0", "v1"), "mask", 5)
    assert cache.layer(0) == ("k0", "v0", 5)
    assert cache.layer(1) == ("k1", "v1", 5)


def test_new_tokens_go_into_their_slots_and_nowhere_else():
    rng = np.random.default_rng(3)
    layer = SelfAttention(2)
    layer.build((None, None, 14))
    x = rng.normal(size=(3, 2, 14)).astype("float32")
    keys, values = rng.normal(size=(2, 3, 2, 5, 7)).astype("float32")
    penalty = attention_penalty(visible_slots(2, 5, offset=1), "float32")
    _, new_keys, new_values = layer(x, penalty, cache=(keys, values, tf.constant(1)))
    _, own_keys, own_values = layer(x, penalty[..., 1:3])
    for before, own, after in ((keys, own_keys, new_keys), (values, own_values, new_values)):
        np.testing.assert_array_equal(after[:, :, 1:3], own)
        np.testing.assert_array_equal(after[:, :, :1], before[:, :, :1])
        np.testing.assert_array_equal(after[:, :, 3:], before[:, :, 3:])
