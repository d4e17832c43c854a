"""The adversarial task: two networks, two optimizers, one step that holds both updates.

B batch, Z latent_dim, P = B / packing logits of a batch.
"""

import dataclasses
import functools

import keras
import tensorflow as tf

from tfzoo.distribution.placement import require_placement
from tfzoo.losses import Critique, NonSaturating
from tfzoo.models.gan import raw_samples, samples
from tfzoo.models.gan.average import average_step, copy_of, settle_statistics
from tfzoo.models.gan.choices import (
    require_choices,
    require_logits,
    require_networks,
    require_players,
    require_training,
)
from tfzoo.models.gan.evaluation import evaluate
from tfzoo.models.gan.generation import discriminate, generate, interpolate
from tfzoo.models.gan.noise import fold_in, normal, rows_of_replica, uniform
from tfzoo.models.gan.serving import serving_functions
from tfzoo.models.gan.without_updates import without_updates
from tfzoo.models.gan.work import learning_rates, work_of, work_unit
from tfzoo.models.task import Task, sum_over_replicas
from tfzoo.optimizers import Adam, RunSchedule, aggregate_and_clip

LATENTS, AUGMENTATION, REGULARIZERS = range(3)


@keras.saving.register_keras_serializable(package="tfzoo")
class GAN(Task):
    """A generator and a discriminator that train each other: `fit` on samples, then `generate`.

    Args:
        generator: a Keras model from latents (B, Z), or `[latents, labels]`, to samples (B, ...).
        discriminator: a Keras model from samples, or `[samples, labels]`, to logits (B, 1): it ends
            without an activation.
        latent_dim: int, Z.
        num_classes: optional int; both networks then take labels as a second input.
        packing: int, samples that the discriminator judges together, joined along their last axis,
            so that a lack of variety shows (PacGAN); the discriminator then takes samples of
            `packing` times the channels. 1 with classes.
        average_generator: optional running average of the generator; `compile` makes one.
        seed: optional int of the latents in training.
        **kwargs: passed to `keras.Model`.

    Call arguments:
        inputs: latents float (B, Z), or `[latents, labels]`.
        training: without effect: what is called is the generator that `generate` uses.

    Returns:
        Samples float32 (B, ...); images are in [-1, 1].

    Objective:
        The mean over the global batch of the two losses that `compile` was given, and for the
        discriminator of its penalties; with whatever layers add by themselves. The discriminator
        moves first, then the generator, against the new discriminator and from fresh latents.

    Logs:
        `generator_loss`, `discriminator_loss` (without penalties), `penalty` where there are
        regularizers; `real_logits` and `fake_logits`, means of what the discriminator said;
        `generator_gradient_norm` and `discriminator_gradient_norm`; with an adaptive augmentation
        its `augmentation_probability`.

    Randomness:
        Latents and all other noise are drawn for the global batch, of which each replica takes its
        rows: two replicas are the same experiment as one, and give the same numbers up to rounding.
        Dropout inside of a network is drawn for each replica by itself, reproducibly: with it they
        are the same experiment with other numbers. All streams continue after a restart.

    Example:
        ```python
        import numpy as np
        import tfzoo

        images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), dtype="uint8")
        model = tfzoo.models.GAN(
            tfzoo.models.MLPGenerator((8, 8, 1), hidden_dims=(32,)),
            tfzoo.models.MLPDiscriminator(hidden_dims=(32,)),
            latent_dim=7,
        )
        model.compile()
        model.fit(images, batch_size=32, verbose=0)
        assert model.generate(5, seed=1).shape == (5, 8, 8, 1)
        ```

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", algorithm 1.
    """

    PARTS = ("generator", "discriminator", "average_generator")
    RAW_DATA = "an array of samples, `(samples, labels)`, or `tfzoo.data.Images`"
    SERVES = "images"
    INPUTS = {
        "n": "How many samples.",
        "seed": "The same seed draws the same samples.",
        "labels": "The class of each sample, from 0; where samples are drawn, one may do for all.",
        "latents": "Vectors of normal random numbers, one for each sample.",
        "samples": "Samples; images are in [-1, 1].",
    }

    def __init__(
        self,
        generator,
        discriminator,
        latent_dim,
        num_classes=None,
        packing=1,
        average_generator=None,
        seed=None,
        **kwargs,
    ):
        require_networks(generator=generator, discriminator=discriminator)
        require_logits(discriminator)
        kwargs.setdefault("dtype", generator.dtype_policy)
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.average_generator = average_generator
        self.latent_dim = latent_dim
        self.num_classes = num_classes
        self.packing = packing
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.augmentation_probability = self.add_weight(
            name="augmentation_probability",
            initializer="zeros",
            trainable=False,
            aggregation="mean",
        )
        self.data_shape = samples.connect(self)

    def compile(
        self,
        generator_optimizer="auto",
        discriminator_optimizer="auto",
        loss=None,
        regularizers=(),
        augmentation=None,
        discriminator_steps=1,
        generator_average=0.999,
        max_gradient_norm=None,
        **kwargs,
    ):
        """Configures training.

        Args:
            generator_optimizer: a Keras optimizer; "auto" is Adam(2e-4, beta_1=0.5) as in DCGAN.
            discriminator_optimizer: likewise.
            loss: a `tfzoo.losses.AdversarialLoss`; None means `NonSaturating()`.
            regularizers: list of `tfzoo.losses.AdversarialRegularizer`.
            augmentation: what the discriminator sees images through, such as
                `tfzoo.preprocessing.DiffAugment()`.
            discriminator_steps: int, updates of the discriminator for each of the generator. A
                batch is cut into as many parts, so that each update has real samples of its own:
                `packing` times it must divide the rows of a batch on each replica. Where `fit` is
                given fewer samples than a batch, the batch becomes as many as that divides.
            generator_average: float in [0, 1), decay of the running average of the generator that
                `generate` uses, per step and less in the first ones; None means no average.
            max_gradient_norm: float > 0, the gradient of each player over the whole global batch is
                clipped to this norm; None does not clip.
            **kwargs: passed to `keras.Model.compile`, such as `jit_compile`, `steps_per_execution`.
        """
        require_choices(regularizers, augmentation, self.data_shape)
        require_training(loss, discriminator_steps, generator_average, max_gradient_norm)
        require_players(generator_optimizer, discriminator_optimizer, kwargs)
        keras.Model.compile(self, optimizer=None, **kwargs)  # Task's is for one objective
        require_placement(self)
        self.generator_optimizer = self._own(generator_optimizer, self.generator)
        self.discriminator_optimizer = self._own(discriminator_optimizer, self.discriminator)
        self.objective = loss or NonSaturating()
        self.regularizers = tuple(regularizers)
        self.augmentation = augmentation
        self.discriminator_steps = discriminator_steps
        self.generator_average = None if generator_average is None else float(generator_average)
        self.max_gradient_norm = max_gradient_norm
        self._graphs.by_key.clear()  # they hold the generator that generated before
        if generator_average is None:
            self.average_generator = None
        elif self.average_generator is None:
            self.average_generator = copy_of(self, self.generator, name="average_generator")
        means = ["generator_loss", "discriminator_loss", "real_logits", "fake_logits"]
        self.loss_metrics = {name: keras.metrics.Mean(name=name) for name in means}
        means = ["generator_gradient_norm", "discriminator_gradient_norm"]
        means += ["penalty"] if self.regularizers else []
        means += ["augmentation_probability"] if self.is_adaptive else []
        self.training_metrics = {name: keras.metrics.Mean(name=name) for name in means}

    @property
    def optimizers(self):
        """The generator's and the discriminator's optimizer."""
        return [self.generator_optimizer, self.discriminator_optimizer]

    @property
    def is_adaptive(self):
        """Whether the augmentation follows how much the discriminator overfits."""
        return hasattr(self.augmentation, "next_probability")

    @property
    def metrics(self):
        """Everything that is reset between epochs."""
        if not self.compiled:
            return []
        return [*self.loss_metrics.values(), *self.training_metrics.values()]

    def get_compile_config(self):
        """Returns the arguments of `compile`, so that a saved model comes back compiled."""
        if not self.compiled:
            return None
        objects = {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "loss": self.objective,
            "regularizers": self.regularizers,
            "augmentation": self.augmentation,
        }
        return {
            **{k: keras.saving.serialize_keras_object(v) for k, v in objects.items()},
            "discriminator_steps": self.discriminator_steps,
            "generator_average": self.generator_average,
            "max_gradient_norm": self.max_gradient_norm,
            "jit_compile": self.jit_compile,
            "steps_per_execution": self.steps_per_execution,
        }

    def call(self, inputs, training=False):
        """Returns samples of the average generator, or of the generator where there is none."""
        return (self.average_generator or self.generator)(inputs, training=False)

    def train_step(self, data):
        """One step on a batch of samples, or of samples and labels: both players move."""
        # Unpack
        parts = samples.unpack(self, data, self.discriminator_steps)
        # Update: the discriminator on each part, then the generator against it
        for real, labels in parts:
            self.discriminator_step(real, labels)
        self.generator_step(real, labels)
        if self.average_generator is not None:
            average_step(self)
        # Log
        return self.results(self.metrics)

    def discriminator_step(self, real, labels=None):
        """Moves the discriminator, and nothing of the generator.

        Args:
            real: float32 (B, ...), real samples.
            labels: int32 (B,), of the real samples; generated ones have the same.
        """
        # Noise
        rows = rows_of_replica(num_rows(real))
        seed = self.seed_generator.next()
        latents = normal(fold_in(seed, LATENTS), rows, self.latent_dim)
        critic = self._critic(labels, seed, rows)
        with without_updates(self.generator):
            fake = self.generator(self.inputs_of(latents, labels), training=True)
        variables = self.discriminator.trainable_variables

        # Tape
        with tf.GradientTape() as tape:
            real_logits, real_slopes = judge(critic, real, self._wants_slopes("real"))
            fake_logits, fake_slopes = judge(critic, fake, self._wants_slopes("fake"))
            # Loss: divided by the logits of the global batch, so that sums of it are its mean
            losses = self.objective.discriminator_loss(real_logits, fake_logits)
            step = self.discriminator_optimizer.iterations
            critique = Critique(
                critic, real, fake, real_logits, fake_logits, real_slopes, fake_slopes, step=step
            )
            penalties = self._penalties(critique, seed, rows)
            num_logits = tf.cast(rows.total // self.packing, tf.float32)
            loss = tf.reduce_sum(losses + penalties) / num_logits + added(self.discriminator)
            scaled_loss = self.discriminator_optimizer.scale_loss(loss)

        # Gradients
        gradients = tape.gradient(scaled_loss, variables)
        gradients, norm = self._aggregate(gradients, self.discriminator_optimizer)

        # Update
        self.discriminator_optimizer.apply(gradients, variables)
        if self.is_adaptive:
            samples.adapt(self, real_logits)

        # Log
        self.loss_metrics["discriminator_loss"].update_state(losses)
        self.loss_metrics["real_logits"].update_state(real_logits)
        self.loss_metrics["fake_logits"].update_state(fake_logits)
        self.training_metrics["discriminator_gradient_norm"].update_state(norm)
        if self.regularizers:
            self.training_metrics["penalty"].update_state(penalties)

    def generator_step(self, real, labels=None):
        """Moves the generator, and nothing of the discriminator.

        Args:
            real: float32 (B, ...), for losses that compare with real samples.
            labels: int32 (B,), of the samples to generate.
        """
        # Noise
        rows = rows_of_replica(num_rows(real))
        seed = self.seed_generator.next()
        latents = normal(fold_in(seed, LATENTS), rows, self.latent_dim)
        critic = self._critic(labels, seed, rows)
        variables = self.generator.trainable_variables

        # Tape
        with tf.GradientTape() as tape:
            fake = self.generator(self.inputs_of(latents, labels), training=True)
            with without_updates(self.discriminator):
                fake_logits = critic(fake)
                real_logits = critic(real) if self.objective.needs_real_logits else None
            # Loss: divided by the logits of the global batch, so that sums of it are its mean
            losses = self.objective.generator_loss(real_logits, fake_logits)
            num_logits = tf.cast(rows.total // self.packing, tf.float32)
            loss = tf.reduce_sum(losses) / num_logits + added(self.generator)
            scaled_loss = self.generator_optimizer.scale_loss(loss)

        # Gradients
        gradients = tape.gradient(scaled_loss, variables)
        gradients, norm = self._aggregate(gradients, self.generator_optimizer)

        # Update
        self.generator_optimizer.apply(gradients, variables)

        # Log
        self.loss_metrics["generator_loss"].update_state(losses)
        self.training_metrics["generator_gradient_norm"].update_state(norm)

    def test_step(self, data):
        """Adds the losses of a batch, by the networks as they are, to the metrics."""
        [(real, labels)] = samples.unpack(self, data, 1)
        weights = samples.at_least(1, tf.ones([num_rows(real) // self.packing]))
        real, labels = samples.at_least(self.packing, (real, labels))
        rows = rows_of_replica(num_rows(real))
        # Reproducible, other for each batch, and apart from the stream of training.
        count = sum_over_replicas(tf.convert_to_tensor(self.loss_metrics["real_logits"].count))
        seed = tf.stack([tf.cast(count, tf.int32), 0])
        latents = normal(seed, rows, self.latent_dim)
        real_logits = self.logits_of(real, labels)
        fake_logits = self.logits_of(self(self.inputs_of(latents, labels)), labels)
        values = {
            "generator_loss": self.objective.generator_loss(real_logits, fake_logits),
            "discriminator_loss": self.objective.discriminator_loss(real_logits, fake_logits),
            "real_logits": real_logits,
            "fake_logits": fake_logits,
        }
        for name, value in values.items():
            self.loss_metrics[name].update_state(value, weights)
        return self.results(list(self.loss_metrics.values()))

    def predict_step(self, data):
        """Samples of a batch of latents, of which a replica may have none."""
        inputs = keras.utils.unpack_x_y_sample_weight(data)[0]
        size = num_rows(tf.nest.flatten(inputs)[0])
        return self(samples.at_least(1, inputs), training=False)[:size]

    evaluate = evaluate
    generate = generate
    interpolate = interpolate
    discriminate = discriminate
    settle_statistics = settle_statistics
    serving_functions = serving_functions
    learning_rates = learning_rates
    work_unit = work_unit
    work_of = work_of

    def inputs_of(self, x, labels):
        """The inputs of a network: `x`, or `[x, labels]` where there are classes."""
        return x if self.num_classes is None else [x, labels]

    def logits_of(self, x, labels=None, noise=None, training=False):
        """What the discriminator says: float32 (P,) for samples (B, ...).

        Args:
            x: float (B, ...), samples.
            labels: int32 (B,), or None where there are no classes.
            noise: float32 (B, num_random) of the augmentation, or None to leave it out.
            training: bool, passed to the discriminator.
        """
        if noise is not None:
            x = self.augmentation(x, noise, *self._probability())
        x = samples.pack(x, self.packing)
        logits = self.discriminator(self.inputs_of(x, labels), training=training)
        return tf.reshape(tf.cast(logits, tf.float32), [-1])

    # Raw data

    def is_raw(self, x):
        """Whether `x` is samples in memory, or a dataset of single samples."""
        return raw_samples.is_raw(self, x)

    def training_batches(self, x, y, batch_size, seed):
        """Turns samples, and labels where there are classes, into shuffled batches."""
        return raw_samples.training_batches(self, x, y, batch_size, seed)

    def evaluation_batches(self, x, y, batch_size):
        """Turns samples, and labels where there are classes, into batches in order."""
        return raw_samples.evaluation_batches(self, x, y, batch_size)

    def prediction_batches(self, x, batch_size):
        """Turns latents into batches."""
        return raw_samples.latent_batches(self, x, batch_size)

    # Saving

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "num_classes": self.num_classes,
            "packing": self.packing,
        }

    def save_own_variables(self, store):
        """Saves the position of the random stream and the augmentation's probability."""
        store["seed"] = self.seed_generator.state.numpy()
        store["augmentation_probability"] = self.augmentation_probability.numpy()

    def load_own_variables(self, store):
        """Restores what `save_own_variables` saved."""
        self.seed_generator.state.assign(store["seed"])
        self.augmentation_probability.assign(store["augmentation_probability"])

    # Parts of a step

    def _own(self, optimizer, network):
        """A built optimizer; under float16 it scales its loss."""
        if optimizer == "auto":
            optimizer = Adam(2e-4, beta_1=0.5)
        optimizer = keras.optimizers.get(optimizer)
        scaler = keras.optimizers.LossScaleOptimizer
        if self.dtype_policy.name == "mixed_float16" and not isinstance(optimizer, scaler):
            optimizer = scaler(optimizer)
        optimizer.build(network.trainable_variables)
        return optimizer

    def _aggregate(self, gradients, optimizer):
        return aggregate_and_clip(gradients, self.max_gradient_norm, optimizer)

    def _critic(self, labels, seed, rows):
        """The discriminator as one update sees it: samples to logits, augmented all alike."""
        noise = None
        if self.augmentation is not None:
            noise = uniform(fold_in(seed, AUGMENTATION), rows, self.augmentation.num_random)
        return functools.partial(self.logits_of, labels=labels, noise=noise, training=True)

    def _penalties(self, critique, seed, rows):
        """The sum of all regularizers, float32 (P,)."""
        total = tf.zeros_like(critique.real_logits)
        for number, regularizer in enumerate(self.regularizers):
            noise = uniform(fold_in(seed, REGULARIZERS + number), rows, regularizer.num_random)
            total += regularizer(dataclasses.replace(critique, noise=noise))
        return total

    def _probability(self):
        return [self.augmentation_probability.value] if self.is_adaptive else []

    def _wants_slopes(self, kind):
        return any(kind in regularizer.slopes_at for regularizer in self.regularizers)

    def _tell_run_length(self, num_steps):
        super()._tell_run_length(num_steps)
        if num_steps == 0:
            return
        for regularizer in self.regularizers:
            if isinstance(regularizer.strength, RunSchedule):
                done = self.discriminator_optimizer.iterations.numpy()
                to_come = num_steps and num_steps * self.discriminator_steps
                regularizer.strength.begin_run(done, to_come)


def judge(critic, x, with_slopes):
    """Returns the logits of samples and, if asked for, their derivatives by the samples."""
    if not with_slopes:
        return critic(x), None
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = critic(x)
        total = tf.reduce_sum(logits)
    return logits, tape.gradient(total, x)


def added(network):
    """What layers of a network add to its loss, such as weight decay: this replica's share."""
    num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return tf.add_n([0.0, *network.losses]) / num_replicas


def num_rows(x):
    """The length of the first axis: an int where it is known, a tensor where not."""
    return x.shape[0] if x.shape[0] is not None else tf.shape(x)[0]
