import itertools
import types
import warnings

import numpy as np
import pytest

from tfzoo.callbacks import CollapseWarning
from tfzoo.callbacks.collapse_warning import spread
from tfzoo.losses import Hinge, Wasserstein

REAL = np.random.default_rng(3).normal(size=(41, 5)).astype(np.float32)


def watching(callback, samples=REAL):
    """Attaches the callback to a model that makes these samples; they may be changed."""
    model = types.SimpleNamespace(samples=samples, requests=[])

    def generate(n, seed):
        model.requests.append((n, seed))
        return model.samples

    model.generate = generate
    callback.set_model(model)
    callback.on_train_begin()
    return model


def said(callback, epoch=0, **logs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        callback.on_epoch_end(epoch, logs)
    return [str(warning.message) for warning in caught]


def test_spread_is_the_mean_distance_over_pairs():
    pairs = itertools.combinations(REAL.astype(float), 2)
    expected = np.mean([np.linalg.norm(a - b) for a, b in pairs]) / np.sqrt(5)
    assert spread(REAL) == pytest.approx(expected)
    assert spread(REAL + 1e4) == pytest.approx(expected, rel=1e-3)
    images = np.random.default_rng(5).integers(256, size=(7, 3, 2, 1), dtype=np.uint8)
    assert spread(images) == pytest.approx(spread(images / 127.5 - 1))


def test_collapsed_samples_are_named_once_and_again_after_they_were_well():
    callback = CollapseWarning(REAL, n=41, seed=7)
    model = watching(callback)
    assert said(callback) == []
    model.samples = REAL * 0.3
    (sentence,) = said(callback, epoch=4)
    assert sentence.startswith("Samples collapse in epoch 5: two of them are 30% as far apart")
    assert said(callback) == []
    model.samples = REAL * 0.6
    assert said(callback) == []
    model.samples = np.repeat(REAL[:1], 41, axis=0)
    assert "are 0% as far apart" in said(callback)[0]
    assert model.requests == [(41, 7)] * 5


def test_a_discriminator_that_wins_is_named():
    callback = CollapseWarning(margin=10)
    watching(callback)
    assert said(callback, real_logits=5.0, fake_logits=-4.9) == []
    (sentence,) = said(callback, epoch=1, real_logits=np.float32(7), fake_logits=np.float32(-4.5))
    assert sentence.startswith("The discriminator wins outright in epoch 2")
    assert "differ by 11.5 in the mean, more than 10." in sentence
    assert said(callback, real_logits=7.0, fake_logits=-4.5) == []
    callback.on_train_begin()
    assert len(said(callback, real_logits=7.0, fake_logits=-4.5)) == 1


@pytest.mark.parametrize(("loss", "num_said"), [(Hinge(), 1), (Wasserstein(), 0)])
def test_logits_without_a_scale_say_nothing_about_who_wins(loss, num_said):
    callback = CollapseWarning()
    watching(callback).objective = loss
    assert len(said(callback, real_logits=70.0, fake_logits=-70.0)) == num_said


def test_what_is_not_known_is_not_said():
    callback = CollapseWarning(margin=None)
    model = watching(callback, samples=REAL * 0)
    assert said(callback, real_logits=70.0, fake_logits=-70.0) == []
    assert said(CollapseWarning(), loss=0.0) == []
    assert model.requests == []


def test_what_is_wrong_is_named():
    for arguments in (dict(ratio=1.0), dict(n=1), dict(margin=0.0)):
        with pytest.raises(ValueError, match="`ratio` must be in .* received ratio="):
            CollapseWarning(REAL, **arguments)
    for real in (REAL[:1], np.repeat(REAL[:1], 3, axis=0)):
        with pytest.raises(ValueError, match="at least two samples that are not all equal"):
            CollapseWarning(real)
