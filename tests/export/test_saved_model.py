"""The export of a byte-pair tokenizer, whose tables are resources and not constants."""

import tensorflow as tf

import tfzoo
from tests.laws.zoo import TEXTS


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
