"""Dropout whose noise differs on every replica."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfzoo")
class Dropout(keras.layers.Layer):
    """Zeroes a share of the inputs in training and scales up the rest.

    `keras.layers.Dropout` draws identical masks on all replicas of a `tf.distribute` strategy,
    which silently divides the amount of noise by their number. Here the replica's number is folded
    into the seed; and the seed's state is saved with the weights, so that a resumed run continues
    the same stream. XLA draws the same masks, and a mask takes half the time of Keras's.

    Args:
        rate: float in [0, 1), share of the inputs that is zeroed, to the nearest 2^-16.
        seed: optional int.
        **kwargs: passed to `keras.layers.Layer`.

    Source: Srivastava et al. 2014, section 4.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1); received {rate}.")
        self.rate = rate
        self.seed = seed
        if rate > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, x, training=False):
        """Applies dropout to `x` of any shape when `training`."""
        if not training or self.rate == 0:
            return x
        # There is no replica where a strategy's scope is open and `strategy.run` is not.
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context else 0
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        seed = tf.random.experimental.stateless_fold_in(seed, replica, alg="philox")
        bits = random_16_bits(seed, tf.shape(x))
        if hasattr(strategy := tf.distribute.get_strategy(), "whole"):
            bits = strategy.whole(bits)  # devices that share a tensor draw all of it, as one would
        keep = bits >= tf.constant(round(self.rate * 2**16), tf.uint16)
        return x * (tf.cast(keep, x.dtype) * tf.constant(1 / (1 - self.rate), x.dtype))

    def save_own_variables(self, store):
        """Saves the position of the random stream."""
        if self.rate > 0:
            store["seed"] = self.seed_generator.state.numpy()

    def load_own_variables(self, store):
        """Restores the position of the random stream."""
        if self.rate > 0 and "seed" in store:
            self.seed_generator.state.assign(store["seed"])

    def compute_output_shape(self, input_shape):
        """The shape does not change."""
        return input_shape

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def random_16_bits(seed, shape):
    """Uniform integers uint16, two from each draw of the generator, which is what takes time.

    Integers, because those are the same with and without XLA; floats are not.
    """
    size = tf.reduce_prod(shape)
    pairs = tf.random.stateless_uniform([-(-size // 2)], seed, None, None, tf.int32, alg="philox")
    return tf.reshape(tf.reshape(tf.bitcast(pairs, tf.uint16), [-1])[:size], shape)
