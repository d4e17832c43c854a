"""`fit`, `evaluate` and `predict` take texts as they are, and equal prepared batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.laws.zoo import TEXTS
from tfzoo.data import batches, shuffled_batches
from tfzoo.optimizers import WarmupCosine

WANTED = dict(writes=True)


def test_fit_on_texts_equals_fit_on_packed_rows(entry):
    histories, weights = [], []
    for prepared in (False, True):
        keras.utils.set_random_seed(2)
        model = entry.build()
        model.compile(keras.optimizers.SGD(0.1))
        x, steps = TEXTS, None
        if prepared:
            rows = tf.nest.map_structure(lambda t: t.numpy(), model.preprocessor.pack(TEXTS))
            x, steps = shuffled_batches(rows, 3, seed=0), len(rows[1]) // 3
        history = model.fit(x, batch_size=3, epochs=2, steps_per_epoch=steps, verbose=0).history
        histories.append(history["loss"])
        weights.append(model.get_weights())
    assert histories[0] == histories[1]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_form_of_texts_is_the_same(entry):
    model = entry.build()
    model.compile()
    forms = [TEXTS, tuple(TEXTS), np.array(TEXTS), tf.constant(TEXTS)]
    forms.append(tf.data.Dataset.from_tensor_slices(TEXTS))
    forms.append(tf.data.Dataset.from_tensor_slices(TEXTS).batch(3))
    losses = [model.evaluate(form, return_dict=True, verbose=0)["loss"] for form in forms]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)


def test_a_dataset_of_texts_trains(entry):
    model = entry.build()
    model.compile(keras.optimizers.Adam(0.01))
    before = model.evaluate(TEXTS, return_dict=True, verbose=0)["loss"]
    model.fit(tf.data.Dataset.from_tensor_slices(TEXTS * 9), batch_size=3, epochs=3, verbose=0)
    assert model.evaluate(TEXTS, return_dict=True, verbose=0)["loss"] < before - 0.3


def test_predict_gives_one_row_per_text(entry):
    model = entry.build()
    x, _, _ = model.preprocessor(tf.constant(TEXTS))
    np.testing.assert_allclose(model.predict(TEXTS, verbose=0), model(x), atol=1e-5)


def test_fit_tells_the_schedule_how_long_the_run_is(entry, rng):
    model = entry.build()
    schedule = WarmupCosine(1e-3)
    model.compile(keras.optimizers.SGD(schedule))
    data = batches(entry.batch(rng, rows=9), 3)
    model.fit(data, epochs=4, verbose=0)
    assert schedule.total_steps == 12
    # A second `fit` goes on learning; one that was cut off at half goes on as it would have.
    model.fit(data, epochs=4, initial_epoch=2, verbose=0)
    assert schedule.total_steps == 18


def test_a_length_that_was_given_stays(entry, rng):
    model = entry.build()
    schedule = WarmupCosine(1e-3, total_steps=7)
    model.compile(keras.optimizers.SGD(schedule))
    model.fit(batches(entry.batch(rng, rows=9), 3), epochs=4, verbose=0)
    assert schedule.total_steps == 7


def test_what_is_missing_gets_a_sentence(entry):
    model = entry.build()
    model.compile()
    with pytest.raises(ValueError, match="at least one text"):
        model.fit([])
    bare = type(model)(model.backbone)
    bare.compile()
    with pytest.raises(ValueError, match="has none. Pass one to the constructor"):
        bare.fit(TEXTS)
    with pytest.raises(ValueError, match="has none. Pass one to the constructor"):
        bare.generate("ab")


def test_bad_compile_arguments_get_a_sentence(entry):
    with pytest.raises(ValueError, match="`gradient_accumulation` must be an int, 1 or more; .* 0"):
        entry.build().compile(gradient_accumulation=0)
