import threading

import keras
import numpy as np
import pytest

from tfzoo.callbacks.run_identity import identity, require_same
from tfzoo.callbacks.run_state import assign, read, state_variables
from tfzoo.callbacks.sigterm import Sigterm
from tfzoo.losses import R1
from tfzoo.models import GAN, MLPDiscriminator, MLPGenerator


def build(dtype="float32", **compile_arguments):
    networks = (
        MLPGenerator((2,), (3,), output_activation=None, dtype=dtype),
        MLPDiscriminator((5,), dropout=0.3, dtype=dtype),
    )
    model = GAN(*networks, latent_dim=2)
    model.compile(**compile_arguments)
    return model


def test_the_state_is_all_that_a_step_moves():
    model = build("mixed_float16")
    paths = [variable.path for variable in state_variables(model)]
    assert len({id(variable) for variable in state_variables(model)}) == len(paths)
    text = "\n".join(paths)
    for part in (
        "average_generator/",
        "augmentation_probability",
        "seed_generator_state",
        "dynamic_scale",
        "step_counter",
        "velocity",
    ):
        assert part in text
    # Two players: both scalers and both counts of steps.
    assert text.count("dynamic_scale") == text.count("step_counter") == 2
    assert text.count("iteration") == 4  # a scaler counts, and so does what is in it
    for variable in [*model.variables, *model.generator_optimizer.variables]:
        assert any(variable is other for other in state_variables(model))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_was_read_can_be_assigned(dtype):
    model, twin = build(dtype), build(dtype)
    arrays = read(state_variables(model))
    # As NumPy brings bfloat16 back from a file.
    files = [array.view("V2") if array.dtype.name == "bfloat16" else array for array in arrays]
    assert any(array.dtype.kind == "V" for array in files) == (dtype == "bfloat16")
    assign(state_variables(twin), files)
    for found, expected in zip(read(state_variables(twin)), arrays, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError):
        assign(state_variables(twin), files[1:])


def test_two_models_of_one_script_are_the_same_run():
    first, second = (build(regularizers=[R1(2.0)]) for _ in range(2))
    assert first.name != second.name
    assert identity(first, steps=3) == identity(second, steps=3)


@pytest.mark.parametrize(
    "sentence, arguments",
    [
        (r"compile.regularizers.0.strength was 2.0; received 3.0", dict(regularizers=[R1(3.0)])),
        (r"compile.generator_average was 0.999; received 0.5", dict(generator_average=0.5)),
        (r"compile.discriminator_steps was 1; received 2", dict(discriminator_steps=2)),
    ],
)
def test_a_difference_is_named(sentence, arguments):
    was = identity(build(regularizers=[R1(2.0)]))
    with pytest.raises(ValueError, match=sentence):
        require_same("runs", was, identity(build(**{"regularizers": [R1(2.0)], **arguments})))


def test_a_model_that_cannot_be_saved_is_known_by_its_variables():
    class Strange(keras.Model):
        optimizers = []

        def __init__(self, size):
            super().__init__()
            self.w = self.add_weight(shape=(size,), name="w")

        def get_config(self):
            raise NotImplementedError

    require_same("runs", identity(Strange(3)), identity(Strange(3)))
    with pytest.raises(
        ValueError, match=r"variable 0, .*/w, was \(3,\) float32; received \(5,\) float32"
    ):
        require_same("runs", identity(Strange(3)), identity(Strange(5)))


def test_another_thread_trains_without_listening():
    heard = []

    def listen():
        with Sigterm() as sigterm:
            heard.append(sigterm.has_come)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert heard == [False]
