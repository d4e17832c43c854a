"""What a position may know: what came before it, in its own document, and nothing else."""

import numpy as np
import tensorflow as tf

from tests.laws.zoo import LENGTH

WANTED = dict(writes=True)


def tokens(model, rng, rows=2, length=LENGTH):
    return rng.integers(0, model.backbone.vocabulary_size, (rows, length)).astype("int32")


def test_a_future_token_changes_no_earlier_output(entry, rng):
    model = entry.build()
    token_ids = tokens(model, rng)
    before = model({"token_ids": token_ids}).numpy()
    token_ids[:, 7] = (token_ids[:, 7] + 1) % model.backbone.vocabulary_size
    after = model({"token_ids": token_ids}).numpy()
    np.testing.assert_array_equal(after[:, :7], before[:, :7])
    assert np.abs(after[:, 7:] - before[:, 7:]).min(axis=-1).max() > 0


def test_padding_on_either_side_changes_nothing(entry, rng):
    model = entry.build()
    token_ids = tokens(model, rng, length=5)
    alone = model({"token_ids": token_ids})
    for room in ([3, 0], [0, 3], [2, 1]):
        padded = np.pad(token_ids, [(0, 0), room], constant_values=7)
        mask = np.pad(np.ones_like(token_ids, bool), [(0, 0), room])
        logits = model({"token_ids": padded, "padding_mask": mask})
        np.testing.assert_allclose(logits[:, room[0] :][:, :5], alone, atol=1e-5)


def test_packed_documents_do_not_see_each_other(entry, rng):
    model = entry.build()
    first, second = tokens(model, rng, 1, 4), tokens(model, rng, 1, 5)
    packed = model(
        {
            "token_ids": np.concatenate([first, second, [[0, 0]]], axis=1),
            "document_ids": np.array([[1] * 4 + [2] * 5 + [0] * 2]),
        }
    )
    np.testing.assert_allclose(packed[:, :4], model({"token_ids": first}), atol=1e-5)
    np.testing.assert_allclose(packed[:, 4:9], model({"token_ids": second}), atol=1e-5)


def test_a_row_of_padding_is_finite(entry, rng):
    model = entry.build()
    token_ids = tokens(model, rng)
    logits = model({"token_ids": token_ids, "padding_mask": np.zeros_like(token_ids, bool)})
    assert np.isfinite(logits).all()


def test_token_by_token_with_a_cache_equals_all_at_once(entry, rng):
    model = entry.build()
    token_ids = tokens(model, rng)
    mask = np.ones_like(token_ids, bool)
    mask[1, :3] = False
    whole = model({"token_ids": token_ids, "padding_mask": mask}).numpy()
    cache = model.backbone.empty_cache(tf.constant(mask))
    _, cache = model.backbone({"token_ids": token_ids[:, :4]}, cache=cache)
    for place in range(4, LENGTH):
        logits, cache = model.next_logits(token_ids[:, place : place + 1], cache)
        np.testing.assert_allclose(logits, whole[:, place], atol=1e-5)
