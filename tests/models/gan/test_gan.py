"""What a GAN promises beyond the laws of the house."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.gan.conftest import mlp_gan
from tfzoo.layers import BatchNorm
from tfzoo.losses import R1
from tfzoo.models import GAN, DCGANDiscriminator, DCGANGenerator, MLPDiscriminator, MLPGenerator
from tfzoo.optimizers import WarmupCosine


def images_of(rng, rows=6, shape=(2, 3, 1)):
    return rng.uniform(-1, 1, (rows, *shape)).astype("float32")


def dcgan(**arguments):
    discriminator = DCGANDiscriminator((8, 8, 1), 3, batch_norm=True, spectral_norm=True)
    return GAN(DCGANGenerator((8, 8, 1), 4), discriminator, latent_dim=5, seed=3, **arguments)


def snapshot(network):
    return [variable.numpy() for variable in network.weights]


def unchanged(network, before):
    return [np.array_equal(v.numpy(), was) for v, was in zip(network.weights, before, strict=True)]


# The two players


def test_each_step_leaves_the_other_player_bitwise_alone(rng):
    gan = dcgan()
    gan.compile(run_eagerly=True)
    real = tf.constant(images_of(rng, shape=(8, 8, 1)))
    generator, discriminator = snapshot(gan.generator), snapshot(gan.discriminator)
    gan.discriminator_step(real)
    assert all(unchanged(gan.generator, generator))
    assert not any(unchanged(gan.discriminator, discriminator))
    discriminator = snapshot(gan.discriminator)
    gan.generator_step(real)
    assert all(unchanged(gan.discriminator, discriminator))
    assert not any(unchanged(gan.generator, generator))


def test_dropout_of_a_player_goes_on_while_its_statistics_stand_still(rng):
    gan = GAN(MLPGenerator((3,), (4,)), MLPDiscriminator((4,), dropout=0.5), latent_dim=5)
    gan.compile(run_eagerly=True)
    state = gan.discriminator.dropouts[0].seed_generator.state
    seed, count = state.numpy()
    gan.generator_step(tf.constant(images_of(rng, shape=(3,))))
    np.testing.assert_array_equal(state, [seed, count + 1])


def test_each_update_has_latents_of_its_own(rng):
    gan = mlp_gan()
    gan.compile(run_eagerly=True)
    state = gan.seed_generator.state.numpy()
    gan.train_step(images_of(rng))
    np.testing.assert_array_equal(gan.seed_generator.state, state + [0, 2])


# The average


def test_the_average_follows_with_its_decay_and_generates(rng):
    gan = mlp_gan()
    gan.compile(run_eagerly=True, generator_average=0.15)
    start = snapshot(gan.generator)
    gan.train_step(images_of(rng))
    first = snapshot(gan.generator)
    # (1 + 1) / (10 + 1) is more than 0.15: the decay itself counts from the first step on.
    for average, was, now in zip(gan.average_generator.weights, start, first, strict=True):
        np.testing.assert_allclose(average, 0.15 * was + 0.85 * now, atol=1e-6)
    z = rng.normal(size=(4, 5)).astype("float32")
    np.testing.assert_array_equal(gan(z), gan.average_generator(z))
    np.testing.assert_allclose(gan.predict(z, verbose=0), gan.average_generator(z), atol=1e-6)


def test_the_average_forgets_its_start_fast(rng):
    gan = mlp_gan()
    gan.compile(run_eagerly=True, generator_average=0.999)
    start = snapshot(gan.generator)
    gan.train_step(images_of(rng))
    share = 2 / 11
    for average, was, now in zip(
        gan.average_generator.weights, start, snapshot(gan.generator), strict=True
    ):
        np.testing.assert_allclose(average, share * was + (1 - share) * now, atol=1e-6)


def test_without_an_average_the_generator_generates(rng):
    gan = mlp_gan()
    gan.compile(generator_average=None)
    z = rng.normal(size=(4, 5)).astype("float32")
    np.testing.assert_array_equal(gan(z), gan.generator(z))
    assert gan.average_generator is None
    gan.generate(2, seed=1)
    gan.compile(generator_average=0.9)
    for variable in gan.average_generator.weights:
        variable.assign(0 * variable)
    np.testing.assert_array_equal(gan.generate(2, seed=1), np.zeros([2, 2, 3, 1]))


def test_statistics_settle_to_the_mean_moments_of_fresh_batches():
    gan = dcgan()
    gan.compile()
    norm = gan.average_generator.norms[0]
    gan.settle_statistics(num_batches=40, batch_size=512)
    z = keras.random.normal((20000, 5), seed=1)
    x = gan.average_generator.first(z)
    x = tf.reshape(x, [-1, norm.moving_mean.shape[0]])
    deviation = np.std(x, axis=0)
    np.testing.assert_allclose(norm.moving_mean, np.mean(x, axis=0), atol=0.1 * deviation.max())
    np.testing.assert_allclose(norm.moving_variance, deviation**2, rtol=0.05)
    assert norm.momentum == 0.9 and not gan.average_generator.trainable_variables


# Samples


def test_a_seed_names_its_samples_whatever_the_batch():
    gan = mlp_gan()
    whole = gan.generate(7, seed=5)
    assert whole.dtype == np.float32 and whole.shape == (7, 2, 3, 1)
    np.testing.assert_allclose(gan.generate(7, seed=5, batch_size=3), whole, atol=1e-6)
    assert np.abs(gan.generate(7, seed=6) - whole).max() > 0.01
    keras.utils.set_random_seed(2)
    first, second = gan.generate(2), gan.generate(2)
    assert np.abs(first - second).max() > 0.01
    keras.utils.set_random_seed(2)
    np.testing.assert_array_equal(gan.generate(2), first)


def test_generating_does_not_touch_the_stream_of_training(rng):
    gan = mlp_gan()
    before = gan.seed_generator.state.numpy()
    gan.generate(3)
    np.testing.assert_array_equal(gan.seed_generator.state, before)


def test_truncation_bounds_the_latents():
    generator = MLPGenerator((5,), (4,), output_activation=None)
    gan = GAN(generator, MLPDiscriminator((4,)), latent_dim=5)
    # The identity: what is generated is the latent.
    generator.hidden[0].set_weights([np.eye(5, 4, dtype="float32"), np.zeros(4, "float32")])
    kernel = np.eye(4, 5, dtype="float32")
    generator.outputs_layer.set_weights([kernel, np.zeros(5, "float32")])
    z = gan.generate(4000, seed=1, truncation=0.7, batch_size=4000)[:, :4]
    positive = z[z > 0]  # leaky ReLUs let these pass
    assert positive.max() <= 0.7 and np.abs(z).max() > 0.65
    # The mean of |z| for |z| < t: sqrt(2 / pi) (1 - exp(-t^2 / 2)) / erf(t / sqrt 2).
    expected = np.sqrt(2 / np.pi) * (1 - np.exp(-(0.7**2) / 2)) / tf.math.erf(0.7 / 2**0.5)
    np.testing.assert_allclose(positive.mean(), expected, rtol=0.02)
    plain = gan.generate(4000, seed=1, batch_size=4000)[:, :4]
    np.testing.assert_allclose(plain[plain > 0].mean(), np.sqrt(2 / np.pi), rtol=0.02)


def test_a_way_has_the_two_samples_at_its_ends_and_keeps_its_length():
    gan = mlp_gan()
    way = gan.interpolate(3, 4, steps=5)
    np.testing.assert_allclose(way[0], gan.generate(1, seed=3)[0], atol=1e-6)
    np.testing.assert_allclose(way[-1], gan.generate(1, seed=4)[0], atol=1e-6)
    a, b = np.eye(5, dtype="float32")[:2]
    middle = gan.interpolate(a, b, steps=3)[1]
    expected = gan.predict((a + b)[None] / np.sqrt(2), verbose=0)[0]
    np.testing.assert_allclose(middle, expected, atol=1e-6)
    middle, expected = gan.interpolate(a, a, 3)[1], gan.predict(a[None], verbose=0)[0]
    np.testing.assert_allclose(middle, expected, atol=1e-6)


def test_labels_choose_the_class():
    gan = mlp_gan(num_classes=7)
    one = gan.generate(4, labels=3, seed=1)
    np.testing.assert_allclose(gan.generate(4, labels=[3] * 4, seed=1), one, atol=1e-6)
    assert np.abs(gan.generate(4, labels=2, seed=1) - one).max() > 0.01
    assert gan.generate(4, seed=1).shape == one.shape


def test_the_discriminator_speaks_in_logits(rng):
    gan = mlp_gan(num_classes=7)
    images, labels = images_of(rng), rng.integers(0, 7, 6)
    logits = gan.discriminate(images, labels, batch_size=4)
    expected = gan.discriminator([images, labels])[:, 0]
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    pixels = rng.integers(0, 256, (6, 2, 3, 1), dtype="uint8")
    wide = gan.discriminate(pixels.astype("float32") / 127.5 - 1, labels)
    np.testing.assert_allclose(gan.discriminate(pixels, labels), wide, atol=1e-6)


def test_packed_samples_are_judged_side_by_side(rng):
    gan = mlp_gan(packing=2)
    images = images_of(rng)
    logits = gan.discriminate(images)
    pairs = np.concatenate([images[0::2], images[1::2]], axis=-1)
    np.testing.assert_allclose(logits, gan.discriminator(pairs)[:, 0], atol=1e-6)


# Data


def test_every_form_of_data_trains_alike(rng):
    pixels = rng.integers(0, 256, (6, 2, 3, 1), dtype="uint8")
    labels = rng.integers(0, 7, 6)
    rows = {"image": pixels, "label": labels}
    floats = pixels.astype("float32") / 127.5 - 1
    forms = [
        ((pixels, labels), {}),
        (pixels, {"y": labels}),
        (floats[..., 0], {"y": labels}),
        (rows, {}),
        (tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(6), {}),
        (tf.data.Dataset.from_tensor_slices(rows), {}),
    ]
    losses = []
    gan = mlp_gan(num_classes=7)
    gan.compile(generator_average=None)
    for x, arguments in forms:
        losses.append(gan.evaluate(x, batch_size=6, verbose=0, return_dict=True, **arguments))
    for other in losses[1:]:
        for name, value in losses[0].items():
            np.testing.assert_allclose(other[name], value, rtol=1e-5, err_msg=name)


def test_fit_learns_the_digits_apart(rng):
    # Two classes, dark and bright: the samples of each must become dark and bright.
    labels = rng.integers(0, 2, 512)
    images = np.where(labels == 1, 200, 55)[:, None, None, None]
    images = (images + rng.integers(-30, 30, (512, 2, 3, 1))).astype("uint8")
    gan = mlp_gan(num_classes=2)
    gan.compile(*(keras.optimizers.Adam(2e-3, beta_1=0.5) for _ in range(2)))
    history = gan.fit(images, labels, batch_size=64, epochs=40, verbose=0)
    dark, bright = (gan.generate(200, labels=label, seed=1).mean() for label in (0, 1))
    np.testing.assert_allclose([dark, bright], [55 / 127.5 - 1, 200 / 127.5 - 1], atol=0.15)
    # At first the discriminator knows nothing: 2 ln 2.
    np.testing.assert_allclose(history.history["discriminator_loss"][0], 2 * np.log(2), atol=0.4)


def test_evaluate_adds_what_metrics_say(rng):
    def means(real, fake):
        return {"real_mean": float(real.mean()), "fake_mean": float(fake.mean())}

    gan = mlp_gan()
    gan.compile()
    images = images_of(rng, 7)
    logs = gan.evaluate(images, batch_size=3, metrics=[means], num_samples=11, verbose=0)
    np.testing.assert_allclose(logs["real_mean"], images.mean(), rtol=1e-5)
    np.testing.assert_allclose(logs["fake_mean"], gan.generate(11, seed=0).mean(), rtol=1e-5)
    assert {"generator_loss", "discriminator_loss"} <= set(logs)
    again = gan.evaluate(images, batch_size=3, verbose=0, return_dict=True)
    assert {name: logs[name] for name in again} == again


def test_fit_tells_the_schedules_how_long_the_run_is(rng):
    gan = mlp_gan()
    rate, strength = WarmupCosine(1e-3), WarmupCosine(1.0)
    optimizer = keras.optimizers.Adam(rate)
    gan.compile(optimizer, regularizers=[R1(strength)], discriminator_steps=2)
    gan.fit(images_of(rng, 12), batch_size=4, epochs=2, verbose=0)
    # Three batches, twice; two updates of the discriminator in each.
    assert (rate.total_steps, strength.total_steps) == (6, 12)


def test_a_functional_model_of_the_user_plays_too(rng):
    z, y = keras.Input((5,)), keras.Input((), dtype="int32")
    joined = keras.layers.Concatenate()([z, keras.layers.Embedding(7, 2)(y)])
    hidden = BatchNorm()(keras.layers.Dense(6)(joined))
    x = keras.layers.Reshape((2, 3, 1))(hidden)
    generator = keras.Model([z, y], x)
    gan = GAN(generator, MLPDiscriminator((4,), 7), latent_dim=5, num_classes=7)
    gan.compile(run_eagerly=True)
    logs = gan.train_step((images_of(rng), rng.integers(0, 7, 6)))
    assert all(np.isfinite(value) for value in logs.values())
    assert gan.generate(3, seed=1).shape == (3, 2, 3, 1)


# What is refused


def test_networks_that_do_not_fit_are_refused():
    generator = DCGANGenerator((8, 8, 1), 2)
    flat = keras.Sequential([keras.Input((7,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"must take what `generator` makes, .* \(8, 8, 1\)"):
        GAN(generator, flat, latent_dim=5)
    wide = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"one logit for each sample.*received shape \(1, 2\)"):
        GAN(generator, wide, latent_dim=5)


@pytest.mark.parametrize(
    "x, sentence",
    [
        (np.full([4, 2, 3, 1], 7.0), r"must be in \[-1, 1\]; received values in \[0, 7\]"),
        (np.full([4, 2, 3, 1], np.nan), "must be finite"),
        (np.zeros([4, 2, 3, 1], "int32"), "uint8 in .* or float in .*; received int32"),
        (np.zeros([4, 3, 2, 1], "uint8"), r"makes, \(2, 3, 1\); received \(3, 2, 1\)"),
    ],
)
def test_images_that_do_not_fit_are_refused(x, sentence):
    gan = mlp_gan()
    gan.compile()
    with pytest.raises(ValueError, match=sentence):
        gan.fit(x, batch_size=4, verbose=0)


def test_a_dataset_out_of_range_is_refused(rng):
    gan = mlp_gan()
    gan.compile(run_eagerly=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Float images must be in"):
        gan.train_step(255 * images_of(rng))


@pytest.mark.parametrize("labels", [[0, 1, 2, 7], [0, -1, 2, 3]])
def test_labels_that_do_not_fit_are_refused(rng, labels):
    gan = mlp_gan(num_classes=7)
    gan.compile(run_eagerly=True)
    images = images_of(rng, 4)
    with pytest.raises(ValueError, match=r"in \[0, num_classes\), num_classes=7; received"):
        gan.fit(images, np.array(labels), verbose=0)
    with pytest.raises(ValueError, match=r"in \[0, num_classes\), num_classes=7; received"):
        gan.generate(4, labels=labels)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Labels must be whole numbers in"):
        gan.train_step((images, np.array(labels)))
    with pytest.raises(ValueError, match="needs labels; received samples alone"):
        gan.fit(images, verbose=0)
    with pytest.raises(ValueError, match="4 samples and 3 labels"):
        gan.fit(images, np.array([0, 1, 2]), verbose=0)


@pytest.mark.parametrize("jit_compile", [True, False])
def test_batches_of_a_dataset_are_looked_at(rng, jit_compile):
    gan = mlp_gan(num_classes=7)
    gan.compile(jit_compile=jit_compile)
    images, labels = images_of(rng, 4), np.array([0, 1, 2, 6])

    def batches(images, labels):
        return tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)

    gan.fit(batches(images, labels), verbose=0)
    with pytest.raises(ValueError, match=r"^Labels must be whole numbers .* highest of \[0 7\].$"):
        gan.fit(batches(images, [0, 1, 2, 7]), verbose=0)
    with pytest.raises(ValueError, match="^Labels must be whole numbers"):
        gan.fit(batches(images, [0, 1, 2, 2.5]), verbose=0)
    with pytest.raises(ValueError, match="^Float images must be in .* subtract 1.$"):
        gan.evaluate(batches(255 * np.abs(images) + 2, labels), verbose=0)
    with pytest.raises(ValueError, match="whole numbers .*; received 2.5"):
        gan.fit(images, np.array([0, 1, 2, 2.5]), verbose=0)


def test_networks_of_other_classes_are_refused():
    generator, discriminator = MLPGenerator((3,), (5,), 7), MLPDiscriminator((5,), 6)
    with pytest.raises(ValueError, match="`discriminator` must have the num_classes of the GAN, 7"):
        GAN(generator, discriminator, latent_dim=5, num_classes=7)
    with pytest.raises(ValueError, match="`generator` must have the num_classes .* received one"):
        GAN(generator, discriminator, latent_dim=5)
    with pytest.raises(ValueError, match="`latent_dim` must be an int, 1 or more; received 0"):
        GAN(MLPGenerator((3,), (5,)), MLPDiscriminator((5,)), latent_dim=0)


def test_what_no_step_could_use_is_refused_at_once():
    gan = mlp_gan()
    adam = keras.optimizers.Adam()
    for arguments, sentence in (
        (dict(regularizers=["r1"]), r"`regularizers` must be a list .* received \['r1'\]"),
        (dict(regularizers=R1(1.0)), "`regularizers` must be a list"),
        (dict(augmentation="color"), "`augmentation` must be one of .*; received 'color'"),
        (dict(max_gradient_norm=-1.0), "`max_gradient_norm` must be above 0"),
        (dict(metrics=["accuracy"]), "`metrics` must be left out"),
        (dict(optimizer="adam"), "`optimizer` must be left out"),
        (dict(discriminator_steps="2"), "`discriminator_steps` must be an int.*; received '2'"),
        (dict(generator_optimizer=adam, discriminator_optimizer=adam), "must be another object"),
    ):
        with pytest.raises(ValueError, match=sentence):
            gan.compile(**arguments)
    with pytest.raises(ValueError, match="`packing` must be 1 for a GAN with classes"):
        mlp_gan(num_classes=7, packing=2)


@pytest.mark.parametrize("form", ["arrays", "dataset"])
def test_labels_of_another_form_are_refused(rng, form):
    gan, images = mlp_gan(num_classes=7), images_of(rng, 4)
    gan.compile()
    for labels in (np.eye(7)[[0, 1, 2, 3]], np.array(["a", "b", "c", "d"])):
        data = (images, labels)
        if form == "dataset":
            data = (tf.data.Dataset.from_tensor_slices(data).batch(4),)
        with pytest.raises(ValueError, match="neither names nor one-hot; received"):
            gan.fit(*data, verbose=0)


def test_each_replica_evaluates_full_packs(rng, two_replicas):
    images = images_of(rng, 15)
    with two_replicas.scope():
        gan = mlp_gan(packing=3)
        gan.compile()
    for data in (images, tf.data.Dataset.from_tensor_slices(images)):
        # 4 rows on each replica would be no packs, and nor would half of 15.
        found = gan.evaluate(data, batch_size=8, verbose=0, return_dict=True)
        assert found["real_logits"] == pytest.approx(gan.discriminate(images[:12]).mean(), abs=1e-6)


def test_evaluation_leaves_out_what_fills_no_pack(rng):
    gan, images = mlp_gan(packing=3), images_of(rng, 11)
    gan.compile()
    expected = gan.evaluate(images[:9], batch_size=9, verbose=0, return_dict=True)
    found = gan.evaluate(images, batch_size=9, verbose=0, return_dict=True)
    assert found == expected
    singles = tf.data.Dataset.from_tensor_slices(images)
    assert gan.evaluate(singles, batch_size=9, verbose=0, return_dict=True) == expected
    with pytest.raises(ValueError, match="a multiple of packing=3; received 11"):
        gan.discriminate(images)


def test_images_without_an_axis_for_their_channel_are_batches_too(rng):
    gan, images = mlp_gan(), images_of(rng, 6)
    gan.compile()
    expected = gan.evaluate(images, batch_size=3, verbose=0)
    flat = tf.data.Dataset.from_tensor_slices(images[..., 0])
    for dataset in (flat, flat.batch(3)):
        np.testing.assert_allclose(gan.evaluate(dataset, batch_size=3, verbose=0), expected)


def test_one_batch_by_hand_and_a_list_of_samples(rng):
    gan, images = mlp_gan(), images_of(rng, 4)
    gan.compile()
    assert np.isfinite(gan.train_on_batch(images, return_dict=True)["generator_loss"])
    with pytest.raises(ValueError, match="one array, or a pair of .*; received a list of 4"):
        gan.fit(list(images), verbose=0)


def test_a_small_dataset_is_one_batch(rng):
    gan = mlp_gan()
    gan.compile()
    dataset = tf.data.Dataset.from_tensor_slices(images_of(rng, 5))
    assert gan.fit(dataset, batch_size=32, verbose=0).history["generator_loss"]


def test_images_from_0_to_1_are_warned_of(rng):
    gan = mlp_gan()
    gan.compile()
    with pytest.warns(UserWarning, match=r"Float images are in \[-1, 1\], and these are all in"):
        gan.fit(np.abs(images_of(rng, 4)), verbose=0)


def test_an_uncompiled_gan_is_saved(tmp_path):
    gan = mlp_gan()
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(again.generate(3, seed=1), gan.generate(3, seed=1))


def test_the_way_from_nowhere_is_straight():
    gan = mlp_gan()
    ends = np.zeros(5, np.float32), np.ones(5, np.float32)
    middle = gan.interpolate(*ends, steps=3)[1:2]
    np.testing.assert_allclose(middle, gan.predict(np.full([1, 5], 0.5), verbose=0), atol=1e-6)
    with pytest.raises(ValueError, match=r"vectors of latent_dim=5 numbers; received shape \(4,"):
        gan.interpolate(np.zeros(4), 2, steps=3)


def test_verbs_refuse_what_they_cannot_do(rng):
    gan, labelled = mlp_gan(), mlp_gan(num_classes=7)
    with pytest.raises(ValueError, match="`n` must be an int, 1 or more; received 0"):
        gan.generate(0)
    with pytest.raises(ValueError, match="`truncation` must be above 0, or None; received 0"):
        gan.generate(1, truncation=0)
    with pytest.raises(ValueError, match="`labels` must be None for a GAN without"):
        gan.generate(1, labels=2)
    with pytest.raises(ValueError, match=r"one label for all 5, or 5 of them; .* shape \(3,\)"):
        labelled.generate(5, labels=[0, 1, 2])
    with pytest.raises(ValueError, match="whole numbers in .*; received 0.5"):
        labelled.generate(1, labels=0.5)
    with pytest.raises(ValueError, match="`steps` must be an int, 2 or more; received 1"):
        gan.interpolate(1, 2, steps=1)
    with pytest.raises(ValueError, match="which class the way is in"):
        labelled.interpolate(1, 2, steps=3)
    with pytest.raises(ValueError, match="the class of each sample"):
        labelled.discriminate(images_of(rng))


def test_a_batch_that_cannot_be_cut_is_refused(rng):
    gan = mlp_gan(packing=2)
    gan.compile(run_eagerly=True, discriminator_steps=2)
    with pytest.raises(ValueError, match="discriminator_steps=2, packing=2"):
        gan.train_step(images_of(rng, 6))
