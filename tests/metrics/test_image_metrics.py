import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tfzoo.data import digits
from tfzoo.metrics import (
    FeatureMetrics,
    ImageClassifier,
    InceptionFeatures,
    classification_accuracy_score,
    density_coverage,
    frechet_distance,
    kernel_distance,
    precision_recall,
)
from tfzoo.metrics.pixels import as_bytes


@pytest.fixture(scope="module")
def corpus():
    return digits()


@pytest.fixture(scope="module")
def classifier(corpus):
    classifier = ImageClassifier((8, 8, 1), 10, width=8, num_features=29)
    return classifier.fit(corpus.train.images, corpus.train.labels, epochs=12, batch_size=32)


def test_learns_digits(classifier, corpus):
    assert classifier.accuracy(corpus.test.images, corpus.test.labels) > 0.93
    shuffled = np.random.default_rng(3).permutation(corpus.test.labels)
    assert classifier.accuracy(corpus.test.images, shuffled) < 0.2


def test_features_are_the_last_hidden_layer(classifier, corpus):
    images = corpus.test.images[:7]
    features = classifier(images) * classifier.feature_scale
    assert features.shape == (7, 29) and features.min() == 0 < features.max()
    kernel, bias = classifier.network.get_layer("logits").get_weights()
    assert_allclose(features @ kernel + bias, classifier.network(images), rtol=1e-5, atol=1e-5)


def test_features_have_the_scale_of_one(classifier, corpus):
    features = classifier(corpus.train.images)
    assert_allclose(np.sqrt((features.astype("float64") ** 2).mean()), 1, rtol=1e-5)


def test_floats_and_bytes_are_the_same_images(classifier, corpus):
    images = corpus.test.images[:7]
    assert_array_equal(as_bytes(images / np.float32(127.5) - 1), images)
    assert_array_equal(classifier(images / np.float32(127.5) - 1), classifier(images))


def test_the_seed_is_all_there_is_to_chance(corpus):
    part = corpus.train.take(slice(0, 301))
    features = []
    for seed in (3, 3, 4):
        keras.utils.set_random_seed(len(features))
        classifier = ImageClassifier((8, 8, 1), 10, width=4, seed=seed)
        features.append(classifier.fit(part.images, part.labels, epochs=1)(part.images[:5]))
    assert_allclose(features[0], features[1], rtol=1e-5, atol=1e-6)
    assert np.abs(features[0] - features[2]).max() > 0.1


def test_images_are_halved_to_about_seven_pixels():
    for size, num_stages in [(8, 1), (28, 2), (32, 2), (64, 3)]:
        network = ImageClassifier((size, size, 3), 2, width=1).network
        assert sum(layer.name.startswith("pool") for layer in network.layers) == num_stages


def test_accuracy_score_of_real_and_of_spoiled_samples(corpus):
    train, _, test = corpus
    real, fitting = (test.images, test.labels), dict(epochs=6, batch_size=64)
    score = classification_accuracy_score(train.images, train.labels, *real, **fitting)
    # Samples that know half of the digits teach half of them.
    half = train.take(train.labels < 5)
    known = classification_accuracy_score(half.images, half.labels, *real, **fitting)
    assert score > 0.93
    assert 0.4 < known < (test.labels < 5).mean() + 0.01


def test_feature_metrics_are_the_metrics_of_features(corpus):
    def extractor(images):
        return as_bytes(images).reshape(len(images), -1) / 255.0

    real, fake = corpus.test.images, corpus.train.images[:211]
    features = extractor(real), extractor(fake)
    numbers = FeatureMetrics(extractor)(real, fake)
    assert numbers == {
        "frechet_distance": frechet_distance(*features),
        "kernel_distance": kernel_distance(*features),
        **precision_recall(*features),
        **density_coverage(*features),
    }


def test_the_floor_is_what_other_real_images_reach(corpus):
    def extractor(images):
        return as_bytes(images).reshape(len(images), -1) / 255.0

    noise = np.random.default_rng(3).uniform(-1, 1, size=(383, 8, 8, 1)).astype(np.float32)
    metrics = FeatureMetrics(extractor, reference=corpus.train.images)
    numbers = metrics(corpus.test.images, noise)
    assert numbers["frechet_distance"] > 10 * numbers["frechet_distance_floor"] > 0
    assert numbers["coverage"] < 0.1 < 0.8 < numbers["coverage_floor"]
    floats = [
        images / np.float32(127.5) - 1 for images in (corpus.test.images, corpus.train.images)
    ]
    flat = FeatureMetrics(lambda images: images.reshape(len(images), -1), floats[1])
    assert flat(floats[0], noise) == FeatureMetrics(flat.extractor, corpus.train.images)(
        corpus.test.images, noise
    )
    again = FeatureMetrics(extractor, reference=corpus.train.images)(corpus.test.images, noise)
    assert again == numbers
    with pytest.raises(ValueError, match="as many images as there are samples, 383, got 100"):
        FeatureMetrics(extractor, reference=noise[:100])(corpus.test.images, noise)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros([3, 8, 8], np.uint8), r"\(N, height, width, channels\) .* got \(3, 8, 8\)"),
        (np.full([1, 8, 8, 1], 1.5), "got float64 as large as 1.5"),
        (np.full([1, 8, 8, 1], np.nan), "got float64 as large as nan"),
        (np.zeros([1, 8, 8, 1], np.int32), "must be uint8, or floats .* got int32"),
    ],
)
def test_what_is_no_image(classifier, images, message):
    with pytest.raises(ValueError, match=message):
        classifier(images)


def test_labels_that_do_not_belong():
    images = np.zeros([3, 8, 8, 1], np.uint8)
    for labels in ([0, 1], [0, 1, 2], [-1, 0, 1]):
        with pytest.raises(ValueError, match=r"labels must be 3 integers in \[0, 2\)"):
            ImageClassifier((8, 8, 1), 2, width=1).fit(images, labels)


def test_inception_features_need_their_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="weights must be the file .*'.*none.h5' is none"):
        InceptionFeatures(tmp_path / "none.h5")


def test_inception_features_are_those_of_its_network(tmp_path, corpus):
    network = keras.applications.InceptionV3(
        include_top=False, weights=None, pooling="avg", input_shape=(299, 299, 3)
    )
    network.save_weights(tmp_path / "inception.weights.h5")
    flat = np.full([1, 8, 8, 1], 51, np.uint8)
    features = InceptionFeatures(tmp_path / "inception.weights.h5")(flat)
    expected = network(np.full([1, 299, 299, 3], 51 / 127.5 - 1, np.float32), training=False)
    assert features.shape == (1, 2048)
    assert_allclose(features, expected, rtol=1e-3, atol=1e-5)
