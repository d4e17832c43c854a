"""Half-precision writers read half the bytes, and write what they would write in a batch."""

import re

import numpy as np
import pytest
import tensorflow as tf

import tfzoo
from tfzoo.models import GPTBackbone, GPTCausalLM
from tfzoo.models.generation_graphs import continue_function, numbers_of, start_function
from tfzoo.preprocessing import ByteTokenizer, CausalLMPreprocessor
from tfzoo.samplers import Sampler

WIDTH, LAYERS = 48, 2


@pytest.fixture(scope="module")
def model():
    """Weights far from zero, so that what is written depends on what is read."""
    preprocessor = CausalLMPreprocessor(ByteTokenizer(), 32)
    vocabulary_size = preprocessor.tokenizer.vocabulary_size
    model = GPTCausalLM(
        GPTBackbone(vocabulary_size, LAYERS, 4, WIDTH, max_sequence_length=32, dtype="bfloat16"),
        preprocessor,
    )
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        variable.assign_add(rng.normal(0, 0.2, variable.shape))
    return model


def weights_in_loop(model, num_rows):
    """Dtypes of what the compiled loop over tokens carries in the form of a kernel."""
    prompts = tf.ones([num_rows, 16], tf.int32)
    draft = start_function(model)(prompts, prompts > 0, 16, 1)
    sampler = Sampler()
    arguments = draft, numbers_of(sampler), 4, tf.constant([], tf.int32), tf.constant([0, 0])
    write = continue_function(model, sampler, draft).__wrapped__
    hlo = write.experimental_get_compiler_ir(*arguments)(stage="optimized_hlo")
    (loop,) = (line for line in hlo.splitlines() if re.search(r"\) while\(", line))
    carried = loop.split(") while(")[0]
    shapes = f"{WIDTH},{3 * WIDTH}", f"{3 * WIDTH},{WIDTH}"
    return {dtype for dtype, shape in re.findall(r"(\w+)\[([\d,]+)\]", carried) if shape in shapes}


def test_the_loop_over_a_single_text_keeps_its_weights_narrow(model):
    assert weights_in_loop(model, 1) == {"bf16"}


def test_the_loop_over_several_texts_converts_them_once(model):
    assert "f32" in weights_in_loop(model, 3)


def test_a_text_is_as_likely_alone_as_in_a_batch(model):
    text, alone = model.generate("ab", max_new_tokens=8, return_log_probs=True)
    texts, batch = model.generate(["ab"] * 3, max_new_tokens=8, return_log_probs=True)
    assert texts == [text] * 3
    np.testing.assert_allclose(alone, batch[0], atol=0.02)


def test_an_exported_writer_writes_as_the_live_one_alone_and_in_a_batch(model, tmp_path):
    tfzoo.export(model, tmp_path / "saved")
    served = tf.saved_model.load(str(tmp_path / "saved")).signatures["generate"]
    numbers = dict(max_new_tokens=8, temperature=0.0, top_k=0, top_p=1.0, seed=0)
    settings = {name: tf.constant(number) for name, number in numbers.items()}
    for texts in (["ab"], ["ab", "the end"]):
        written = served(text=tf.constant(texts), **settings)["text"].numpy()
        live = model.generate(texts, max_new_tokens=8)
        assert [text.decode() for text in written] == live
