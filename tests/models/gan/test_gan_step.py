"""One step is exactly its formula, for each player by itself and for both in turn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.gan.conftest import mlp_gan
from tfzoo.losses import R1, R2, GradientPenalty, NonSaturating, Relativistic
from tfzoo.models import GAN

RATE = 0.1


def compiled(gan, **arguments):
    optimizers = keras.optimizers.SGD(RATE), keras.optimizers.SGD(2 * RATE)
    gan.compile(*optimizers, run_eagerly=True, **arguments)
    return gan


def noise_of(gan, update, num_rows, stream=0):
    """The latents of an update, drawn again from the seed as the docstring says."""
    state = tf.cast(gan.seed_generator.state.value, tf.int32) + [0, update]
    seed = tf.random.experimental.stateless_fold_in(state, stream, alg="philox")
    shares = uniform_of(seed, num_rows, 2 * 3)
    pairs = np.sqrt(-2 * np.log(1 - shares[:, :3])), 2 * np.pi * shares[:, 3:]
    normal = np.concatenate([pairs[0] * np.cos(pairs[1]), pairs[0] * np.sin(pairs[1])], axis=1)
    return normal[:, : gan.latent_dim].astype("float32")


def uniform_of(seed, num_rows, width):
    """The upper 24 of 32 random bits, as a share of all that they can be."""
    size = [num_rows, width]
    bits = tf.random.stateless_uniform(size, seed, None, None, tf.int32, alg="philox").numpy()
    return (bits.astype("int64") % 2**32 // 2**8) / 2**24


def snapshot(network):
    return [variable.numpy() for variable in network.weights]


def moved(network, before, gradients, rate):
    for now, was, gradient, variable in zip(
        network.trainable_variables, before, gradients, network.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(now, was - rate * gradient, atol=1e-6, err_msg=variable.path)


def test_both_players_move_by_their_own_gradient_in_turn(rng):
    gan = compiled(mlp_gan())
    real = rng.uniform(-1, 1, (6, 2, 3, 1)).astype("float32")
    first, second = noise_of(gan, 0, 6), noise_of(gan, 1, 6)
    twin = mlp_gan()
    twin.set_weights(gan.get_weights()[: len(twin.get_weights())])

    def probability(x):
        return tf.sigmoid(twin.discriminator(x))

    with tf.GradientTape() as tape:
        fake = tf.stop_gradient(twin.generator(first))
        loss_d = -tf.reduce_mean(tf.math.log(probability(real)))
        loss_d -= tf.reduce_mean(tf.math.log(1 - probability(fake)))
    gradients = tape.gradient(loss_d, twin.discriminator.trainable_variables)
    for variable, gradient in zip(twin.discriminator.trainable_variables, gradients, strict=True):
        variable.assign_sub(2 * RATE * gradient)
    with tf.GradientTape() as tape:
        loss_g = -tf.reduce_mean(tf.math.log(probability(twin.generator(second))))
    gradients = tape.gradient(loss_g, twin.generator.trainable_variables)
    for variable, gradient in zip(twin.generator.trainable_variables, gradients, strict=True):
        variable.assign_sub(RATE * gradient)

    logs = gan.train_step(real)
    np.testing.assert_allclose(logs["discriminator_loss"], loss_d, rtol=1e-5)
    np.testing.assert_allclose(logs["generator_loss"], loss_g, rtol=1e-5)
    norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
    np.testing.assert_allclose(logs["generator_gradient_norm"], norm, rtol=1e-5)
    for ours, theirs in zip(gan.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=ours.path)


def slope_penalty(network, x, target=None):
    """Half the squared norm of the slopes, or the distance from a target, by a Jacobian."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = network(x)
    jacobian = tape.batch_jacobian(logits, x)
    squares = tf.reduce_sum(tf.square(jacobian), axis=list(range(1, jacobian.shape.rank)))
    return squares / 2 if target is None else tf.square(tf.sqrt(squares) - target)


@pytest.mark.parametrize("regularizer", [R1(3.0), R2(3.0), GradientPenalty(3.0)])
@pytest.mark.parametrize("loss", [NonSaturating(), Relativistic()])
def test_a_penalised_step_is_the_formula(rng, regularizer, loss):
    gan = compiled(mlp_gan(), loss=loss, regularizers=[regularizer])
    network = gan.discriminator
    real = tf.constant(rng.uniform(-1, 1, (6, 2, 3, 1)), tf.float32)
    fake = gan.generator(noise_of(gan, 0, 6))
    seed = tf.cast(gan.seed_generator.state.value, tf.int32)
    seed = tf.random.experimental.stateless_fold_in(seed, 2, alg="philox")
    share = uniform_of(seed, 6, 1).astype("float32")[..., None, None]
    points = {"R1": real, "R2": fake, "GradientPenalty": share * real + (1 - share) * fake}
    kind = type(regularizer).__name__
    target = 1.0 if kind == "GradientPenalty" else None
    with tf.GradientTape() as tape:
        penalty = 3 * tf.reduce_mean(slope_penalty(network, points[kind], target))
        adversarial = loss.discriminator_loss(network(real)[:, 0], network(fake)[:, 0])
        total = tf.reduce_mean(adversarial) + penalty
    # The step of a piecewise linear network has no derivative by its last bias: then it is 0.
    gradients = tape.gradient(total, network.trainable_variables, unconnected_gradients="zero")
    before = snapshot(network)
    gan.discriminator_step(real)
    moved(network, before, gradients, 2 * RATE)
    logs = gan.results(gan.metrics)
    np.testing.assert_allclose(logs["penalty"], penalty, rtol=1e-5)
    np.testing.assert_allclose(logs["discriminator_loss"], np.mean(adversarial), rtol=1e-5)


def test_a_relativistic_generator_is_compared_with_the_real_batch(rng):
    gan = compiled(mlp_gan(), loss=Relativistic())
    real = tf.constant(rng.uniform(-1, 1, (6, 2, 3, 1)), tf.float32)
    latents = noise_of(gan, 0, 6)
    with tf.GradientTape() as tape:
        difference = gan.discriminator(gan.generator(latents)) - gan.discriminator(real)
        loss = -tf.reduce_mean(tf.math.log(tf.sigmoid(difference)))
    gradients = tape.gradient(loss, gan.generator.trainable_variables)
    before = snapshot(gan.generator)
    gan.generator_step(real)
    moved(gan.generator, before, gradients, RATE)


def test_each_update_of_the_discriminator_sees_its_own_part_of_the_batch(rng):
    real = rng.uniform(-1, 1, (6, 2, 3, 1)).astype("float32")
    gan, twin = (compiled(mlp_gan(), discriminator_steps=steps) for steps in (3, 1))
    twin.set_weights(gan.get_weights())
    gan.train_step(real)
    for part in np.split(real, 3):
        twin.discriminator_step(tf.constant(part))
    twin.generator_step(tf.constant(part))
    for ours, theirs in zip(gan.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert int(gan.discriminator_optimizer.iterations) == 3
    assert int(gan.generator_optimizer.iterations) == 1


def test_what_layers_add_counts_for_their_own_player(rng):
    def network(*shape):
        decay = keras.regularizers.L2(0.7)
        return [keras.Input(shape), keras.layers.Dense(3, kernel_regularizer=decay)]

    generator = keras.Sequential(network(5))
    discriminator = keras.Sequential([*network(3), keras.layers.Dense(1)])
    gan = compiled(GAN(generator, discriminator, latent_dim=5, seed=3))
    plain = compiled(
        GAN(
            keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)]),
            keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), keras.layers.Dense(1)]),
            latent_dim=5,
            seed=3,
        )
    )
    plain.set_weights(gan.get_weights())
    before = gan.discriminator.layers[0].kernel.numpy()
    real = tf.constant(rng.normal(size=(6, 3)), tf.float32)
    for one in (gan, plain):
        one.discriminator_step(real)
    difference = plain.discriminator.layers[0].kernel - gan.discriminator.layers[0].kernel
    # The slope of 0.7 w^2, twice the rate; the last layer has no decay.
    np.testing.assert_allclose(difference, 2 * RATE * 1.4 * before, atol=1e-6)
    last = gan.discriminator.layers[1].kernel, plain.discriminator.layers[1].kernel
    np.testing.assert_allclose(*last, atol=1e-6)
    before = gan.generator.layers[0].kernel.numpy()
    plain.set_weights(gan.get_weights())
    for one in (gan, plain):
        one.generator_step(real)
    difference = plain.generator.layers[0].kernel - gan.generator.layers[0].kernel
    np.testing.assert_allclose(difference, RATE * 1.4 * before, atol=1e-6)
