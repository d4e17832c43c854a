"""What is particular to some exports: tables of resources, derivatives made for training."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import tensorflow as tf
from numpy.testing import assert_allclose

import tfzoo
from tests.laws.zoo import TEXTS
from tfzoo import models


def test_the_tables_of_a_byte_pair_tokenizer_are_exported(tmp_path):
    tokenizer = tfzoo.preprocessing.BytePairTokenizer.train(TEXTS * 5, vocabulary_size=271)
    backbone = tfzoo.models.GPTBackbone(
        tokenizer.vocabulary_size, num_layers=1, num_heads=1, hidden_dim=6, max_sequence_length=37
    )
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(tokenizer, 11)
    model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
    tfzoo.export(model, tmp_path / "served")
    score = tf.saved_model.load(str(tmp_path / "served")).signatures["score"]
    token_ids = score(text=tf.constant(["a bad cab"]))["token_ids"]
    assert token_ids.numpy().tolist() == tokenizer.tokenize(["a bad cab"]).to_list()

    # What TensorFlow's own tool says of the folder to somebody who has nothing else.
    tool = [Path(sys.executable).with_name("saved_model_cli"), "show", "--tag_set", "serve"]
    said = subprocess.check_output([*tool, "--dir", tmp_path / "served"], text=True)
    listed = set(re.findall(r'SignatureDef key: "(\w+)"', said))
    assert {"generate", "score", "serving_default"} <= listed


def test_a_weight_is_stored_once(tmp_path):
    backbone = models.GPTBackbone(257, num_layers=1, num_heads=1, hidden_dim=6)
    tokenizer = tfzoo.preprocessing.ByteTokenizer()
    model = models.GPTCausalLM(backbone, tfzoo.preprocessing.CausalLMPreprocessor(tokenizer, 11))
    tfzoo.export(model, tmp_path / "served")
    stored = tf.train.list_variables(str(tmp_path / "served" / "variables" / "variables"))
    shapes = sorted(tuple(shape) for name, shape in stored if name.startswith("weights/"))
    assert shapes == sorted(tuple(weight.shape) for weight in backbone.weights)
    # The graph of what was saved, and nothing that was learned.
    assert [name for name, _ in stored if "weights/" not in name] == [
        "_CHECKPOINTABLE_OBJECT_GRAPH"
    ]


def test_an_exported_gan_loads_in_silence_and_keeps_its_derivatives(tmp_path, caplog):
    networks = (models.DCGANGenerator((8, 8, 1), 4), models.DCGANDiscriminator((8, 8, 1), 4))
    gan = models.GAN(*networks, latent_dim=5)
    for network in networks:
        network.set_weights([w + 0.1 for w in network.get_weights()])  # logits begin at 0
    tfzoo.export(gan, tmp_path / "served")
    logging.getLogger("tensorflow").addHandler(caplog.handler)
    loaded = tf.saved_model.load(str(tmp_path / "served"))
    logging.getLogger("tensorflow").removeHandler(caplog.handler)
    assert not caplog.messages
    images = tf.random.stateless_uniform([2, 8, 8, 1], [1, 2], -1, 1)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        live, served = (
            gan.logits_of(images),
            loaded.signatures["discriminate"](samples=images)["logits"],
        )
    assert abs(tape.gradient(live, images)).numpy().max() > 1e-3
    assert_allclose(tape.gradient(served, images), tape.gradient(live, images), atol=1e-5)
