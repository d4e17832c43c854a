"""What no GAN can be made of, and what no GAN can be asked: one sentence each."""

import inspect
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.gan.conftest import mlp_gan
from tfzoo.data import Images
from tfzoo.models import (
    GAN,
    BertMaskedLM,
    BertTextClassifier,
    DCGANDiscriminator,
    DCGANGenerator,
    GPTCausalLM,
    MLPDiscriminator,
    MLPGenerator,
    ResidualDiscriminator,
    ResidualGenerator,
)
from tfzoo.models.gan import raw_samples
from tfzoo.models.gan.generation import latents_of
from tfzoo.preprocessing import DiffAugment


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: DCGANGenerator("28"), "`image_shape` must be a tuple of 3 ints.* received '28'"),
        (lambda: DCGANGenerator((28, 28)), r"a tuple of 3 ints.* received \(28, 28\)"),
        (lambda: DCGANGenerator((28, 28.0, 1)), r"a tuple of 3 ints.* received \(28, 28.0, 1\)"),
        (lambda: DCGANGenerator((8, 8, 1), 0.5), "`base_dim` must be an int, 1 or more; .* 0.5"),
        (lambda: DCGANDiscriminator((8, 8, 1), kernel_size=True), "`kernel_size` must be an int"),
        (lambda: DCGANDiscriminator((8, 8, 1), num_classes=0), "`num_classes` must be an int, 1"),
        (lambda: MLPGenerator(3), "`data_shape` must be a tuple of ints, each 1 or more; .* 3"),
        (lambda: MLPGenerator((3,), ()), r"`hidden_dims` must be a tuple of ints.* received \(\)"),
        (lambda: MLPDiscriminator("11"), "`hidden_dims` must be a tuple of ints.* '11'"),
        (lambda: ResidualGenerator((8, 8, 1), (16, -16)), r"`widths` must be .* \(16, -16\)"),
        (lambda: ResidualDiscriminator((8, 8, 1), (16, 16), "2"), "`blocks_per_stage` must be an"),
        (lambda: GAN(None, MLPDiscriminator(), 5), "`generator` must be a Keras model.* None"),
        (lambda: GAN(MLPGenerator((3,)), "mlp", 5), "`discriminator` must be a Keras .* 'mlp'"),
        (lambda: GAN(MLPGenerator((3,)), MLPDiscriminator(), 5.0), "`latent_dim` must be an int"),
    ],
)
def test_networks_refuse_sizes_that_are_none(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda gan: gan.generate(1, seed=2**31), "`seed` must be an int of 32 bits.* 2147483648"),
        (lambda gan: gan.generate(1, seed="1"), "`seed` must be an int of 32 bits.* received '1'"),
        (lambda gan: gan.generate(1, truncation="a"), "`truncation` must be above 0.* 'a'"),
        (lambda gan: gan.interpolate(0.5, 2, 3), "`a` must be an int of 32 bits.* received 0.5"),
        (lambda gan: gan.predict(np.zeros([2, 4])), r"latents \(B, 5\); received \(2, 4\)"),
        (lambda gan: gan.predict([np.zeros([2, 5])] * 2), r"received \(2, 5\) and \(2, 5\)"),
        (lambda gan: gan.evaluate(np.zeros([2, 2, 3, 1]), metrics=len), "`metrics` must be a list"),
        (
            lambda gan: gan.evaluate(
                np.zeros([2, 2, 3, 1]), verbose=0, metrics=[lambda real, fake: 0.5]
            ),
            "`metrics` must return a dict of numbers with names; received 0.5",
        ),
        (lambda gan: gan.fit([np.zeros([2, 2, 3, 1])] * 2), "must be one array; received two"),
    ],
)
def test_a_gan_refuses_what_it_cannot_answer(ask, sentence):
    gan = mlp_gan()
    gan.compile()
    with pytest.raises(ValueError, match=sentence):
        ask(gan)


@pytest.mark.parametrize(
    "end",
    [
        lambda x: keras.layers.Dense(1, activation="sigmoid", name="end")(x),
        lambda x: keras.layers.Activation("sigmoid", name="end")(keras.layers.Dense(1)(x)),
        lambda x: keras.Sequential([keras.layers.Dense(1, "sigmoid", name="end")])(x),
    ],
)
def test_a_discriminator_that_ends_in_a_sigmoid_is_refused(end):
    inputs = keras.Input((3,))
    with pytest.raises(ValueError, match="end in logits.* layer, 'end', has the activation sigmo"):
        GAN(MLPGenerator((3,), (5,)), keras.Model(inputs, end(inputs)), 7)
    GAN(MLPGenerator((3,), (5,)), keras.Model(inputs, keras.layers.Dense(1)(inputs)), 7)


@pytest.mark.parametrize("num_rows", [10, 40])
@pytest.mark.parametrize("kind", [np.asarray, tf.data.Dataset.from_tensor_slices])
def test_a_batch_that_cannot_be_cut_is_refused_however_many_the_data(num_rows, kind):
    gan = GAN(MLPGenerator((2, 3, 1), (5,)), MLPDiscriminator((5,)), 7, packing=2)
    gan.compile(discriminator_steps=3)
    data = kind(np.zeros([num_rows, 2, 3, 1], "uint8"))
    with pytest.raises(ValueError, match="=3, packing=2 and a batch of 32"):
        gan.fit(data)


def test_few_samples_are_as_large_a_batch_as_can_be_cut():
    gan = GAN(MLPGenerator((2, 3, 1), (5,)), MLPDiscriminator((5,)), 7, packing=2)
    gan.compile(discriminator_steps=3)
    images = np.zeros([17, 2, 3, 1], "uint8")
    for data in (images, tf.data.Dataset.from_tensor_slices(images)):
        [batch, *_] = raw_samples.training_batches(gan, data, None, 30, 0)[0].take(1)
        assert batch.shape[0] == 12
    with pytest.raises(ValueError, match="at least packing=2 times discriminator_steps=3 .* 5"):
        gan.fit(images[:5], batch_size=30)


def test_images_with_their_labels_are_what_fit_takes():
    gan = mlp_gan(num_classes=7)
    gan.compile()
    images = Images(np.zeros([4, 2, 3, 1], "uint8"), np.array([0, 6, 1, 2]), tuple("abcdefg"))
    batch = next(iter(raw_samples.evaluation_batches(gan, images, None, 4)))
    np.testing.assert_array_equal(batch[1], images.labels)
    logs = gan.evaluate(images.images, images.labels, verbose=0, return_dict=True)
    assert gan.evaluate(images, verbose=0, return_dict=True) == logs
    gan.fit(images, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match=r"third argument, .* Of `Images`, pass `.images` and"):
        gan.fit(*images)


@pytest.mark.parametrize("is_batched", [False, True])
def test_a_dataset_of_images_without_negative_numbers_warns(is_batched):
    gan = mlp_gan()
    gan.compile()
    images = np.linspace(0, 1, 24, dtype="float32").reshape(4, 2, 3, 1)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    with pytest.warns(UserWarning, match=r"all in \[0, 1\]: if black is 0 in them") as caught:
        gan.fit(dataset.batch(4) if is_batched else dataset, epochs=2, batch_size=4, verbose=0)
    assert len([w for w in caught if "black" in str(w.message)]) <= 2  # epochs begin anew
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for quiet in (2 * images - 1, np.uint8(255 * images)):
            gan.fit(tf.data.Dataset.from_tensors(quiet), verbose=0)


@pytest.mark.parametrize(
    ("name", "inputs", "sentence"),
    [
        ("generate", dict(n=0, seed=1, labels=[3]), "`n` must be 1 or more; received] [0]"),
        ("generate", dict(n=5, seed=1, labels=[3, 1]), "one for each; received of both] [2 5]"),
        ("generate", dict(n=2, seed=1, labels=[3, 7]), "num_classes=7; received"),
        ("generate_from_latent", dict(latents=np.zeros([3, 5]), labels=[1, 2]), "both] [2 3]"),
        ("generate_from_latent", dict(latents=np.zeros([1, 5]), labels=[-1]), "num_classes=7; rec"),
        ("discriminate", dict(samples=np.zeros([3, 2, 3, 1]), labels=[1, 2]), "both] [2 3]"),
    ],
)
def test_what_is_served_refuses_in_a_sentence(name, inputs, sentence):
    function, signature = mlp_gan(num_classes=7).serving_functions()[name]
    served = tf.function(function, signature, autograph=False)
    inputs = {spec.name: tf.constant(inputs[spec.name], spec.dtype) for spec in signature}
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(sentence)):
        served(**inputs)


def test_packs_that_are_not_full_are_not_served():
    function, signature = mlp_gan(packing=2).serving_functions()["discriminate"]
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"packing=2 samples; received\] \[3\]"
    ):
        tf.function(function, signature, autograph=False)(tf.zeros([3, 2, 3, 1]))


def test_one_label_does_for_all_that_is_served():
    functions = mlp_gan(num_classes=7).serving_functions()
    samples = functions["generate"][0](3, 1, tf.constant([4]))["samples"]
    latents = latents_of(1, 3, 5)
    for labels in ([4], [4, 4, 4]):
        again = functions["generate_from_latent"][0](latents, tf.constant(labels))["samples"]
        np.testing.assert_allclose(again, samples, atol=1e-6)


@pytest.mark.parametrize("task", [GAN, GPTCausalLM, BertMaskedLM, BertTextClassifier])
def test_methods_by_assignment_have_a_self_and_do_not_explain_it(task):
    for name in {"generate", "interpolate", "discriminate", "score", "fill_mask", "classify"}:
        method = getattr(task, name, None)
        if method is not None:
            assert [*inspect.signature(method).parameters][0] == "self"
            assert " self:" not in method.__doc__ and " task:" not in method.__doc__


def test_prediction_with_classes_wants_labels():
    gan, latents = mlp_gan(num_classes=7), np.zeros([2, 5])
    assert gan.predict([latents, np.array([0, 6])], verbose=0).shape == (2, 2, 3, 1)
    with pytest.raises(ValueError, match=r"`\[latents \(B, 5\), labels \(B,\)\]`; received \(2, 5"):
        gan.predict(latents)
    with pytest.raises(ValueError, match="whole numbers in .* num_classes=7; received 7"):
        gan.predict([latents, np.array([0, 7])])


def test_points_are_not_augmented_as_images():
    with pytest.raises(ValueError, match=r"samples that are no images.* of shape \(3,\)"):
        mlp_gan((3,)).compile(augmentation=DiffAugment())


def test_a_dataset_is_refused_in_one_sentence():
    gan, images = mlp_gan(), np.zeros([4, 2, 3, 1], "uint8")
    gan.compile()
    with pytest.raises(ValueError, match=r"^Samples must be one array; received two\."):
        gan.fit(tf.data.Dataset.from_tensors((images, images)))
