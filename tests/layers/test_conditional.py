import numpy as np

from tfzoo.layers import ConditionalLatent, ProjectionLogit

RNG = np.random.default_rng(5)
LABELS = np.array([4, 0, 4])


def test_a_latent_is_followed_by_the_vector_of_its_class():
    layer = ConditionalLatent(num_classes=5, embedding_dim=2)
    latents = RNG.normal(size=(3, 7)).astype("float32")
    y = layer(latents, LABELS)
    expected = np.concatenate([latents, layer.embeddings.numpy()[LABELS]], axis=1)
    np.testing.assert_array_equal(y, expected)
    assert ConditionalLatent.from_config(layer.get_config()).get_config() == layer.get_config()


def test_a_logit_adds_the_projection_on_the_class():
    features = RNG.normal(size=(3, 7)).astype("float32")
    layer = ProjectionLogit(num_classes=5)
    layer(features, LABELS)
    layer.bias.assign([0.3])
    w, b, e = (v.numpy() for v in (layer.kernel, layer.bias, layer.embeddings))
    expected = [f @ w[:, 0] + b[0] + e[y] @ f for f, y in zip(features, LABELS, strict=True)]
    np.testing.assert_allclose(layer(features, LABELS)[:, 0], expected, rtol=1e-5)
    assert ProjectionLogit.from_config(layer.get_config()).num_classes == 5


def test_without_classes_it_is_a_dense_layer():
    features = RNG.normal(size=(3, 7)).astype("float32")
    layer = ProjectionLogit()
    np.testing.assert_allclose(layer(features), features @ layer.kernel.numpy(), rtol=1e-5)
    assert len(layer.weights) == 2
