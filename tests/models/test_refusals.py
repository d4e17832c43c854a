"""What is wrong is said in a sentence before anything happens, in every family."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.models import (
    GAN,
    BertBackbone,
    BertMaskedLM,
    BertQuestionAnswerer,
    BertTextClassifier,
    BertTextEmbedder,
    BertTokenClassifier,
    DCGANDiscriminator,
    DCGANGenerator,
    GPTBackbone,
    GPTCausalLM,
    MLPDiscriminator,
    MLPGenerator,
)
from tfzoo.preprocessing import (
    ByteTokenizer,
    CausalLMPreprocessor,
    MaskedLMPreprocessor,
    TextClassifierPreprocessor,
    TokenClassifierPreprocessor,
    WordPieceTokenizer,
)

TOKENIZER = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"])


def bert(vocabulary_size=7):
    return BertBackbone(vocabulary_size, 1, 2, 6, max_sequence_length=13)


def classifier(**arguments):
    return BertTextClassifier(
        bert(), TextClassifierPreprocessor(TOKENIZER, 11), class_names=["x", "y"], **arguments
    )


def gan(**arguments):
    return GAN(MLPGenerator((3,), (5,)), MLPDiscriminator((5,)), latent_dim=2, **arguments)


def test_a_task_is_compiled_before_it_is_fitted():
    with pytest.raises(ValueError, match="A GAN must be compiled before `fit`"):
        gan().fit(np.zeros((4, 3), "float32"))
    with pytest.raises(ValueError, match="A BertTextClassifier must be compiled before `fit`"):
        classifier().fit(["a", "b"], ["x", "y"])


def test_what_was_frozen_after_compile_needs_another_compile():
    model = classifier()
    model.compile()
    model.backbone.freeze_layers(1)
    with pytest.raises(ValueError, match="Call `compile` again"):
        model.fit(["a", "b"], ["x", "y"])
    model.compile()
    model.fit(["a", "b"], ["x", "y"], verbose=0)


def test_a_tokenizer_needs_a_backbone_that_embeds_all_of_it():
    sentence = "must embed every token of the preprocessor's tokenizer, which has 7"
    with pytest.raises(ValueError, match=sentence):
        BertMaskedLM(bert(5), MaskedLMPreprocessor(TOKENIZER, 11))
    with pytest.raises(ValueError, match="must embed every token"):
        GPTCausalLM(GPTBackbone(100, 1, 2, 6), CausalLMPreprocessor(ByteTokenizer(), 11))


@pytest.mark.parametrize(
    ("cls", "preprocessor", "names"),
    [
        (BertMaskedLM, MaskedLMPreprocessor, {}),
        (BertTextClassifier, TextClassifierPreprocessor, dict(class_names=["x"])),
        (BertTokenClassifier, TokenClassifierPreprocessor, dict(entity_names=["x"])),
    ],
)
def test_rows_are_no_longer_than_the_network_reads(cls, preprocessor, names):
    with pytest.raises(ValueError, match="rows must be at most 13, .*; received 17"):
        cls(bert(), preprocessor(TOKENIZER, 17), **names)


def test_a_gpt_reads_no_longer_rows_than_it_can():
    backbone = GPTBackbone(257, 1, 2, 6, max_sequence_length=13)
    with pytest.raises(ValueError, match="rows must be at most 13, .*; received 17"):
        GPTCausalLM(backbone, CausalLMPreprocessor(ByteTokenizer(), 17))


def test_rotary_positions_turn_pairs():
    with pytest.raises(ValueError, match="even multiple of `num_heads` .* hidden_dim=6, num_h"):
        GPTBackbone(7, 1, 2, 6, rotary=True)


@pytest.mark.parametrize("cls", [GPTBackbone, BertBackbone])
def test_a_network_computes_in_floats(cls):
    with pytest.raises(ValueError, match="`dtype` must be a precision of floats.* 'int32'"):
        cls(300, 1, 2, 6, dtype="int32")


@pytest.mark.parametrize("cls", [GPTBackbone, BertBackbone])
def test_token_ids_are_ints_in_rows(cls):
    backbone = cls(300, 1, 2, 6)
    for odd in (np.full((2, 5), 257.0), np.arange(5), np.zeros((2, 3, 5), int)):
        kind = rf"{odd.dtype.name[:3]}\w* of shape {re.escape(str(odd.shape))}"
        with pytest.raises(ValueError, match=f"`token_ids` must be ints of shape.*received {kind}"):
            backbone({"token_ids": odd})


@pytest.mark.parametrize(
    "targets", [np.zeros((4, 5), "float32"), np.zeros((4, 4), int), np.zeros(4, int)]
)
def test_targets_are_ints_one_for_each_token(targets):
    model = GPTCausalLM(GPTBackbone(300, 1, 2, 6))
    model.compile()
    with pytest.raises(ValueError, match=r"Targets must be ints of shape \(.*, 5\), .* received"):
        model.fit({"token_ids": np.zeros((4, 5), int)}, targets, verbose=0)


def test_a_path_and_nothing_are_no_texts(tmp_path):
    model = GPTCausalLM(GPTBackbone(257, 1, 2, 6), CausalLMPreprocessor(ByteTokenizer(), 11))
    model.compile()
    (tmp_path / "a.txt").write_text("some text")
    for verb in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="`x` must be texts.*a.txt.*`tfzoo.data.load_texts`"):
            verb(str(tmp_path / "a.txt"))
        with pytest.raises(ValueError, match="`x` must hold text; received 2 empty strings"):
            verb(["", ""])
    model.fit("a single text, and no file", verbose=0)


def test_a_stream_that_makes_no_batch_is_refused():
    model = GPTCausalLM(GPTBackbone(257, 1, 2, 6), CausalLMPreprocessor(ByteTokenizer(), 11))
    model.compile()
    texts = tf.data.Dataset.from_tensor_slices(["a few", "words"])
    with pytest.raises(ValueError, match="`x` must give at least one batch of 64 rows"):
        model.fit(texts, batch_size=64, steps_per_epoch=1, verbose=0)
    with pytest.raises(ValueError, match="`x` must give at least one batch of 2 rows"):
        model.fit(texts.take(0), validation_data=["a"], batch_size=2, steps_per_epoch=1, verbose=0)


def test_a_schedule_without_an_end_says_so():
    model = GPTCausalLM(GPTBackbone(257, 1, 2, 6), CausalLMPreprocessor(ByteTokenizer(), 11))
    model.compile()
    texts = tf.data.Dataset.from_tensor_slices(["a few", "words"] * 9)
    model.fit(texts, batch_size=2, steps_per_epoch=2, verbose=0)
    assert model.learning_rates["learning_rate"] < 2e-4
    with pytest.warns(UserWarning, match="neither warms up nor falls; pass `steps_per_epoch`"):
        model.fit(texts, batch_size=2, verbose=0)
    assert model.learning_rates["learning_rate"] == pytest.approx(1e-3)


def test_a_gan_is_compiled_with_numbers_in_their_range():
    with pytest.raises(
        ValueError, match="`discriminator_steps` must be an int, 1 or more; rec.* 0"
    ):
        gan().compile(discriminator_steps=0)
    with pytest.raises(ValueError, match=r"`generator_average` must be in \[0, 1\), .* -5.0"):
        gan().compile(generator_average=-5.0)
    model = gan()
    model.compile("adam", "adam", generator_average=0)
    model.fit(np.ones((4, 3), "float32"), batch_size=2, verbose=0)
    assert isinstance(model.optimizers[0], keras.optimizers.Adam)
    # An average that forgets at once is the generator.
    for average, latest in zip(
        model.average_generator.weights, model.generator.weights, strict=True
    ):
        np.testing.assert_allclose(average, latest, atol=1e-6)


def test_a_batch_is_a_whole_number_of_packs_and_steps():
    model = gan()
    model.compile(discriminator_steps=3)
    with pytest.raises(ValueError, match="discriminator_steps=3, packing=1 and a batch of 8"):
        model.fit(np.zeros((16, 3), "float32"), batch_size=8, verbose=0)


def test_a_discriminator_for_other_images_is_refused():
    with pytest.raises(ValueError, match=r"received one for \(16, 16, 1\)"):
        GAN(DCGANGenerator((16, 16, 3), 4), DCGANDiscriminator((16, 16, 1), 4), latent_dim=5)


def test_images_may_lack_the_axis_of_channels_or_have_it():
    model = GAN(MLPGenerator((4, 4, 1), (5,)), MLPDiscriminator((5,)), latent_dim=2)
    model.compile()
    images = np.random.default_rng(0).uniform(-1, 1, (8, 4, 4, 1)).astype("float32")
    model.fit(images[..., 0], verbose=0)
    model.fit(images, verbose=0)
    with pytest.raises(ValueError, match=r"\(4, 4, 1\); received \(16,\)"):
        model.fit(images.reshape(8, 16))
    with pytest.raises(ValueError, match="at least one sample; received none"):
        model.fit(images[:0])


def test_a_refused_lora_leaves_the_network_as_it_was():
    backbone = bert()
    before = len(backbone.trainable_variables)
    for arguments in (dict(rank=0), dict(rank=2.5), dict(rank=2, alpha=0)):
        with pytest.raises(ValueError, match="`rank` must be an int|`alpha` must be above 0"):
            backbone.enable_lora(**arguments)
    assert len(backbone.trainable_variables) == before


def test_a_string_is_no_list():
    tagger = BertTokenClassifier(
        bert(), TokenClassifierPreprocessor(TOKENIZER, 11), entity_names=["x"]
    )
    with pytest.raises(ValueError, match="Sentences must be lists of words"):
        tagger.tag_words(["a b"])
    embedder = BertTextEmbedder(bert(), TextClassifierPreprocessor(TOKENIZER, 11))
    with pytest.raises(ValueError, match="`texts` must be a list of strings; received the string"):
        embedder.search("a", "ab")


def test_flags_in_lists_are_not_taken_for_numbers_of_classes():
    model = classifier(multi_label=True)
    model.compile()
    for labels in ([[1, 0], [0, 1]], [[0, 0], [1, 1]]):
        with pytest.raises(ValueError, match="belongs into a NumPy array"):
            model.fit(["a", "b"], labels)
    model.fit(["a", "b"], np.array([[1, 0], [0, 1]]), verbose=0)


def test_an_objective_is_no_name():
    for model in (gan(), classifier()):
        with pytest.raises(ValueError, match="must be an objective of `tfzoo.losses`"):
            model.compile(loss="sparse_categorical_crossentropy")


def test_names_of_classes_have_an_order():
    with pytest.raises(ValueError, match="must have an order, which a set has not"):
        BertTextClassifier(bert(), class_names={"x", "y"})


def test_three_values_are_not_taken_for_a_batch_size():
    model = gan()
    model.compile()
    with pytest.raises(ValueError, match="`batch_size`, the third argument, must be an int"):
        model.fit(np.zeros((4, 3), "float32"), None, ("a", "b"))


def test_a_preset_of_another_family_is_refused_and_of_another_task_fitted(tmp_path):
    classifier().save_to_preset(tmp_path / "classifier")
    with pytest.raises(ValueError, match="must hold a GPTBackbone; received .* a BertBackbone"):
        GPTCausalLM.from_preset(tmp_path / "classifier")
    model = BertMaskedLM.from_preset(tmp_path / "classifier")
    assert isinstance(model.preprocessor, MaskedLMPreprocessor)
    assert model.preprocessor.sequence_length == 11


def test_what_a_graph_finds_is_said_in_one_sentence():
    backbone = bert()
    embedder = BertTextEmbedder(backbone, TextClassifierPreprocessor(TOKENIZER, 11))
    tagger = BertTokenClassifier(
        backbone, TokenClassifierPreprocessor(TOKENIZER, 11), entity_names=["x"]
    )
    sentence = "^`texts` must be valid UTF-8, and one of them is not: decode it first.$"
    with pytest.raises(ValueError, match=sentence):
        embedder.embed([b"a", b"\xff b"])
    with pytest.raises(ValueError, match=sentence):
        tagger.tag([b"\xff b"])
    with pytest.raises(ValueError, match=sentence):
        classifier().classify([b"\xff b"])


def test_micro_batches_must_fit_into_the_batch():
    model = classifier()
    model.compile(gradient_accumulation=2, jit_compile=False)
    with pytest.raises(ValueError, match="^`gradient_accumulation` must divide the batch size per"):
        model.fit(["a", "b", "a b"], ["x", "y", "x"], batch_size=3, verbose=0)


def test_names_and_weights_of_classes_are_looked_at():
    with pytest.raises(ValueError, match="names without the B- and I- .*; received 'I-who'"):
        BertTokenClassifier(bert(), entity_names=["what", "I-who"])
    with pytest.raises(ValueError, match="`class_weight` must map .* received {'y': nan}"):
        classifier().compile(class_weight={"y": float("nan")})


@pytest.mark.parametrize(
    ("x", "found"),
    [
        (None, "received None"),
        ([{"text": "a"}], "received a list that holds a str"),
        ({"token_ids": [[1, 2]]}, "received a dict that holds a int"),
        ([["a", 5]], "received a list that holds a int"),
    ],
)
def test_other_data_are_refused_without_printing_them(x, found):
    model = classifier()
    model.compile()
    sentence = "^`x` must be texts or pairs of texts, or prepared batches: arrays, tensors, or a"
    for verb in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match=f"{sentence} .*; {found}"):
            verb(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: GPTCausalLM(GPTBackbone(7, 1, 2, 6)),
        lambda: BertMaskedLM(bert()),
        lambda: BertTokenClassifier(bert(), entity_names=["x"]),
        lambda: BertTextClassifier(bert(), class_names=["x", "y"]),
        lambda: BertTextEmbedder(bert()),
        lambda: BertQuestionAnswerer(bert()),
    ],
)
@pytest.mark.parametrize(
    "batch", [np.ones((4, 5), "int32"), ({"token_ids": np.ones((4, 5), "int32")},)]
)
def test_a_batch_of_ones_own_is_explained(make, batch):
    model = make()
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"must be `\(\{'\w+': ...\}, targets\)`.*int32"):
        model.fit(tf.data.Dataset.from_tensor_slices(batch).batch(2), verbose=0)
