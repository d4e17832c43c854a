import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.optimizers import aggregate_and_clip


def test_clips_by_one_norm_of_all_gradients():
    first, second = np.array([[3.0, -6.0]]), np.array([2.0, 0.0, 0.0])  # norm 7
    gradients, norm = aggregate_and_clip(
        [tf.constant(first, "float32"), None, tf.constant(second, "float32")], max_norm=3.5
    )
    np.testing.assert_allclose(norm, 7.0, rtol=1e-6)
    np.testing.assert_allclose(gradients[0], first / 2, rtol=1e-6)
    assert gradients[1] is None
    np.testing.assert_allclose(gradients[2], second / 2, rtol=1e-6)


@pytest.mark.parametrize("max_norm", [None, 7.1])
def test_short_gradients_pass_unchanged(max_norm):
    gradient = tf.constant([[3.0, -6.0], [2.0, 0.0]])
    gradients, norm = aggregate_and_clip([gradient], max_norm)
    np.testing.assert_array_equal(gradients[0], gradient)
    np.testing.assert_allclose(norm, 7.0, rtol=1e-6)


def test_all_zero_gradients_stay_zero():
    gradients, norm = aggregate_and_clip([tf.zeros((2, 3))], max_norm=1.0)
    np.testing.assert_array_equal(gradients[0], np.zeros((2, 3)))
    assert norm == 0


def test_rows_of_one_token_are_added_before_the_norm():
    # Row 4 gets (1, 2) + (2, 2) = (3, 4), whose norm is 5; the separate rows would give sqrt(13).
    rows = tf.IndexedSlices(
        tf.constant([[1.0, 2.0], [2.0, 2.0]]), tf.constant([4, 4]), tf.constant([5, 2])
    )
    gradients, norm = aggregate_and_clip([rows], max_norm=1.0)
    np.testing.assert_allclose(norm, 5.0, rtol=1e-6)
    np.testing.assert_allclose(gradients[0][4], [0.6, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(gradients[0][:4], np.zeros((4, 2)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("max_norm", [None, 1.0])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_bad_batch_moves_nothing(bad, max_norm, jit_compile):
    run = tf.function(lambda g: aggregate_and_clip(g, max_norm), jit_compile=jit_compile)
    gradients, norm = run([tf.constant([1.0, bad]), tf.constant([5.0])])
    np.testing.assert_array_equal(gradients[0], [0.0, 0.0])
    np.testing.assert_array_equal(gradients[1], [0.0])
    assert not np.isfinite(norm)


def test_half_precision_keeps_its_type():
    gradients, norm = aggregate_and_clip([tf.fill((257, 257), tf.cast(2.0, "bfloat16"))], 257.0)
    assert float(norm) == 514.0
    assert gradients[0].dtype == "bfloat16"
    np.testing.assert_array_equal(tf.cast(gradients[0], "float32"), np.ones((257, 257)))


def test_loss_scale_is_taken_out_and_overflow_lowers_it():
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=8.0)
    weight = keras.Variable(np.zeros(2, "float32"))
    optimizer.build([weight])
    gradients, norm = aggregate_and_clip([tf.constant([24.0, 32.0])], 1.0, optimizer)
    optimizer.apply(gradients)
    assert norm == 5.0
    np.testing.assert_allclose(weight.numpy(), [-0.6, -0.8], rtol=1e-6)

    gradients, norm = aggregate_and_clip([tf.constant([np.inf, 32.0])], 1.0, optimizer)
    optimizer.apply(gradients)
    assert norm == np.inf
    np.testing.assert_allclose(weight.numpy(), [-0.6, -0.8], rtol=1e-6)
    assert optimizer.dynamic_scale.numpy() == 4.0


def train(strategy, optimizer, max_norm, steps=5):
    rng = np.random.default_rng(7)
    ids, targets = rng.integers(0, 11, (4, 3)), rng.normal(size=(4, 3, 5)).astype("float32") * 9
    with strategy.scope():
        keras.utils.set_random_seed(3)
        layers = [keras.layers.Embedding(11, 7), keras.layers.Dense(5)]
        model = keras.Sequential([keras.layers.Input((3,), dtype="int32"), *layers])
        optimizer = type(optimizer).from_config(optimizer.get_config())
        optimizer.build(model.trainable_variables)
    share = 4 // strategy.num_replicas_in_sync

    def replica_step():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = tf.range(replica * share, (replica + 1) * share)
        with tf.GradientTape() as tape:
            error = model(tf.gather(ids, rows)) - tf.gather(targets, rows)
            loss = tf.reduce_sum(tf.square(error)) / 12.0
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients, norm = aggregate_and_clip(gradients, max_norm)
        optimizer.apply(gradients, model.trainable_variables)
        return norm

    step = tf.function(lambda: strategy.run(replica_step))
    norms = [float(strategy.experimental_local_results(step())[0]) for _ in range(steps)]
    return [weight.numpy() for weight in model.trainable_variables], norms


def largest_difference(first, second):
    return max(np.abs(a - b).max() for a, b in zip(first, second, strict=True))


def test_two_replicas_equal_one(two_replicas):
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    one_weights, one_norms = train(tf.distribute.get_strategy(), optimizer, max_norm=1.0)
    two_weights, two_norms = train(two_replicas, optimizer, max_norm=1.0)
    assert min(one_norms) > 1.0
    np.testing.assert_allclose(two_norms, one_norms, rtol=1e-5)
    assert largest_difference(one_weights, two_weights) < 1e-6


def test_overflow_of_one_replica_is_skipped_by_both(two_replicas):
    with two_replicas.scope():
        weight = keras.Variable(np.zeros(2, "float32"))
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=8)
        optimizer.build([weight])

    @tf.function
    def step(first, second):
        def replica_step():
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            gradient = tf.stack([first, second])[number]
            gradients, _ = aggregate_and_clip([gradient], 1.0, optimizer)
            optimizer.apply(gradients)

        two_replicas.run(replica_step)

    step(tf.constant([24.0, 0.0]), tf.constant([0.0, 32.0]))  # 8 times (3, 4), of norm 5
    step(tf.constant([np.inf, 0.0]), tf.constant([0.0, 32.0]))
    for copy in two_replicas.experimental_local_results(weight.value):
        np.testing.assert_allclose(copy, [-0.6, -0.8], rtol=1e-6)
    assert optimizer.dynamic_scale.numpy() == 4.0


def test_several_replicas_need_strategy_run(two_replicas):
    with two_replicas.scope(), pytest.raises(ValueError, match="Call it in `train_step`"):
        aggregate_and_clip([tf.ones(2)], 1.0)


def test_bad_max_norm():
    with pytest.raises(ValueError, match="`max_norm` must be above 0.*max_norm=0"):
        aggregate_and_clip([tf.ones(2)], 0)
