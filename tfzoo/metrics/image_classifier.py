"""A small classifier: its accuracy is a number, and its last hidden layer a feature extractor."""

import keras
import numpy as np
import tensorflow as tf

from tfzoo.metrics.pixels import as_bytes

_PREDICTION_BATCH = 500
_SCALE_IMAGES = 10_000


class ImageClassifier:
    """A convolutional network that learns labels and lends its last hidden layer as features.

    Stages of a 3x3 convolution and a maximum over 2x2 halve the image down to about 7x7 pixels,
    the first of `width` channels and each of twice as many as the one before; one convolution
    more, a hidden layer of `num_features`, half of it dropped in training, and the classes. Trained
    by Adam from 0.002 down to 0 on a cosine. Features are divided by their root mean square over
    the images learnt from, so that distances between them have a scale.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: int >= 2.
        width: int >= 1, channels of the first convolution.
        num_features: int F >= 1.
        seed: int, for weights, dropout and the order of the examples.

    Example:
        ```python
        from tfzoo.data import digits
        from tfzoo.metrics import ImageClassifier

        train, _, test = digits()
        classifier = ImageClassifier((8, 8, 1), num_classes=10, width=8)
        classifier.fit(train.images, train.labels, epochs=8)
        print(f"{classifier.accuracy(test.images, test.labels):.1%}")
        features = classifier(test.images)  # (N, 64)
        ```
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int,
        width: int = 16,
        num_features: int = 64,
        seed: int = 0,
    ):
        self.seed = seed
        self.network = _network(tuple(image_shape), num_classes, width, num_features, seed)
        hidden = self.network.get_layer("features").output
        self._extractor = keras.Model(self.network.input, hidden, name="feature_extractor")
        self.feature_scale = 1.0

    def fit(self, images, labels, epochs: int = 5, batch_size: int = 128, verbose: int = 0):
        """Learns.

        Args:
            images: (N, height, width, channels), uint8 or floats in [-1, 1].
            labels: int (N,), in [0, num_classes).
            epochs: int >= 1.
            batch_size: int >= 1.
            verbose: as `keras.Model.fit` takes it.

        Returns:
            The classifier itself.
        """
        images, labels = as_bytes(images), np.asarray(labels)
        num_classes = self.network.output_shape[1]
        if labels.shape != (len(images),) or not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"labels must be {len(images)} integers in [0, {num_classes}), got the shape "
                f"{labels.shape} and values from {labels.min()} to {labels.max()}."
            )
        num_steps = epochs * -(-len(images) // batch_size)
        decay = keras.optimizers.schedules.CosineDecay(0.002, num_steps)
        self.network.compile(
            keras.optimizers.Adam(decay),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile=False,  # XLA has slow convolutions on CPUs
        )
        self.network.fit(
            self._shuffled(images, labels, epochs, batch_size),
            epochs=epochs,
            steps_per_epoch=num_steps // epochs,
            shuffle=False,
            verbose=verbose,
        )
        some = self._predict(self._extractor, images[:_SCALE_IMAGES])
        self.feature_scale = float(np.sqrt(np.mean(some.astype(np.float64) ** 2))) or 1.0
        return self

    def accuracy(self, images, labels) -> float:
        """The share of images, uint8 or floats in [-1, 1], whose label (N,) it names."""
        predictions = self._predict(self.network, images).argmax(axis=1)
        return float((predictions == np.asarray(labels)).mean())

    def __call__(self, images) -> np.ndarray:
        """The features, float32 (N, F), of images that are uint8 or floats in [-1, 1]."""
        return self._predict(self._extractor, images) / self.feature_scale

    def _shuffled(self, images, labels, epochs, batch_size):
        """Batches of all epochs, in an order that nobody else's random state has a part in."""
        random = np.random.default_rng(self.seed)
        order = [random.permutation(len(images)) for _ in range(epochs)]
        rows = tf.data.Dataset.from_tensor_slices(np.stack(order)).flat_map(
            lambda rows: tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)
        )
        images, labels = tf.constant(images), tf.constant(labels)
        options = tf.data.Options()
        options.autotune.enabled = False  # costs half a second whenever it is thrown away
        pairs = rows.map(lambda rows: (tf.gather(images, rows), tf.gather(labels, rows)))
        return pairs.prefetch(2).with_options(options)

    def _predict(self, network, images):
        images = as_bytes(images)
        blocks = range(0, len(images), _PREDICTION_BATCH)
        rows = [network(images[start : start + _PREDICTION_BATCH]) for start in blocks]
        return np.concatenate(rows)


def classification_accuracy_score(
    fake_images, fake_labels, real_images, real_labels, seed: int = 0, **fitting
) -> float:
    """How well a classifier that has seen nothing but samples knows real images.

    It falls when samples are unlike the data, when they have the wrong label, and when classes or
    kinds within a class are missing. Compare it with that of a classifier trained on as many real
    images.

    Args:
        fake_images: (M, height, width, channels), samples, uint8 or floats in [-1, 1].
        fake_labels: int (M,), the classes that were asked for.
        real_images: (N, height, width, channels), real images that nothing was trained on.
        real_labels: int (N,).
        seed: int, for the classifier's weights and order of examples.
        **fitting: `epochs`, `batch_size` and `verbose` of `ImageClassifier.fit`.

    Returns:
        The accuracy on real images, in [0, 1].

    Source: Ravuri and Vinyals 2019, "Classification accuracy score for conditional generative
    models", section 3.
    """
    num_classes = int(max(np.max(fake_labels), np.max(real_labels))) + 1
    classifier = ImageClassifier(np.shape(fake_images)[1:], num_classes, seed=seed)
    return classifier.fit(fake_images, fake_labels, **fitting).accuracy(real_images, real_labels)


def _network(image_shape, num_classes, width, num_features, seed):
    seeds = iter(range(seed * 1000, seed * 1000 + 1000))

    def weights():
        return keras.initializers.HeNormal(seed=next(seeds))

    x = inputs = keras.Input(image_shape, dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(x)
    num_stages = max(1, round(np.log2(min(image_shape[:2]) / 7)))
    for stage in range(num_stages + 1):
        x = keras.layers.Conv2D(
            width * 2**stage, 3, padding="same", kernel_initializer=weights(), name=f"conv_{stage}"
        )(x)
        x = keras.layers.ReLU(name=f"relu_{stage}")(x)
        if stage < num_stages:
            x = keras.layers.MaxPooling2D(padding="same", name=f"pool_{stage}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(
        num_features, activation="relu", kernel_initializer=weights(), name="features"
    )(x)
    x = keras.layers.Dropout(0.5, seed=next(seeds), name="dropout")(x)
    logits = keras.layers.Dense(num_classes, kernel_initializer=weights(), name="logits")(x)
    return keras.Model(inputs, logits, name="image_classifier")
