"""Token for token, and place for place, what Hugging Face `tokenizers` gives, in the graph."""

import functools
import random

import pytest
import tensorflow as tf
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from tfzoo.preprocessing import ByteTokenizer, WordPieceTokenizer
from tfzoo.preprocessing.word_piece_files import SPECIAL_TOKENS

BERT_TEXTS = {
    "special tokens": "a[MASK]b [SEP][CLS] [mask] [[MASK]] [UNK] [PAD]",
    "our own marks": "\ue000\ue004x \ue005",
    "longest word": "x" * 100 + " " + "é" * 100,
    "too long": "x" * 101 + " é" * 3 + "ö" * 101 + "a.b" + "un" * 60,
    "accents in pieces": "cafe\u0301\u0301 na\u0308ive! \u0301 a\u0301",
    "Chinese and Latin": "中文abc中[MASK]中 \uf900\ufa30x",
    "grows when small": "İstanbul ẞ ﬁ \ufdfa ΑΣ",
    "without a meaning": "a\u0378b \U0001fffe\U000e0080 \U000f0000\U0010ffff\U0010fffdc",
}


def reference_of(config):
    """Hugging Face's tokenizer of the same vocabulary, made without our files."""
    ids = {token: token_id for token_id, token in enumerate(config["vocabulary"])}
    reference = tokenizers.Tokenizer(tokenizers.models.WordPiece(ids, unk_token="[UNK]"))
    reference.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=config["lowercase"], strip_accents=config["strip_accents"]
    )
    reference.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    reference.add_special_tokens(config["special_tokens"])
    reference.encode_special_tokens = not config["special_tokens_in_strings"]
    return reference


@pytest.fixture(scope="module", params=["uncased BERT", "cased"])
def pair(request):
    if request.param == "uncased BERT":
        path = request.getfixturevalue("data_dir") / "bert_base_uncased" / "vocab.txt"
        tokenizer = WordPieceTokenizer.from_vocabulary_file(path)
    else:
        texts = request.getfixturevalue("stdlib_texts")
        tokenizer = WordPieceTokenizer.train(texts, 1009, lowercase=False)
    return tokenizer, reference_of(tokenizer.get_config())


@functools.cache
def in_graph(method):
    """Eager operations would take most of the time of these tests."""
    return tf.function(method, input_signature=[tf.TensorSpec([None], tf.string)])


def check(pair, texts):
    tokenizer, reference = pair
    places = in_graph(tokenizer.tokenize_with_offsets)(texts)
    ids, starts, ends = (part.to_list() for part in places)
    assert in_graph(tokenizer.tokenize)(texts).to_list() == ids
    for number, text in enumerate(texts):
        expected = reference.encode(text)
        assert ids[number] == expected.ids, repr(text)
        assert list(zip(starts[number], ends[number], strict=True)) == expected.offsets, repr(text)


def test_hard_texts(pair, hard_texts):
    check(pair, list((hard_texts | BERT_TEXTS).values()))


def test_texts_alone(pair, hard_texts):
    """In one batch the odd texts would make the graph look at the words of all of them."""
    tokenizer, reference = pair
    for reason, text in (hard_texts | BERT_TEXTS).items():
        ids = in_graph(tokenizer.tokenize)([text]).to_list()
        assert ids == [reference.encode(text).ids], reason


# Two marks that change places when a character is decomposed move Hugging Face's offsets, too.
MARKS_IN_ORDER = st.characters(exclude_categories=["Cs", "Mc", "Mn"])
COMMON = st.sampled_from(" \n\t'sStrelvmd12.,!aAé\u00a0\u3000👍\u0301中")
TEXT = st.text(MARKS_IN_ORDER) | st.text(COMMON) | st.text(st.sampled_from("[MASKa] "))


@given(st.lists(TEXT, min_size=1))
def test_any_text(pair, texts):
    check(pair, texts)


@given(st.lists(st.text(), min_size=1))
def test_any_text_has_the_same_ids(pair, texts):
    tokenizer, reference = pair
    ids = in_graph(tokenizer.tokenize)(texts).to_list()
    assert ids == [reference.encode(text).ids for text in texts]


def test_every_character_between_two_letters(pair):
    tokenizer, reference = pair
    characters = [chr(c) for c in range(0x33500) if not 0xD800 <= c < 0xE000]
    texts = [f"a{character}1" for character in random.Random(5).sample(characters, 20_000)]
    expected = reference.encode_batch(texts)
    for number in range(0, 2000, 50):  # some batches without odd characters
        some = slice(number, number + 50)
        ids = in_graph(tokenizer.tokenize)(texts[some]).to_list()
        assert ids == [encoding.ids for encoding in expected[some]]
    ids, starts, ends = (part.to_list() for part in tokenizer.tokenize_with_offsets(texts))
    assert ids == [encoding.ids for encoding in expected]
    places = [list(zip(*both, strict=True)) for both in zip(starts, ends, strict=True)]
    assert places == [encoding.offsets for encoding in expected]


def test_in_a_graph_in_a_dataset_and_one_text_alone(pair, hard_texts):
    tokenizer, _ = pair
    texts = list((hard_texts | BERT_TEXTS).values())
    expected = tokenizer(texts).to_list()
    assert in_graph(tokenizer.tokenize)(texts).to_list() == expected
    dataset = tf.data.Dataset.from_tensor_slices(texts).map(tokenizer.tokenize)
    assert [ids.numpy().tolist() for ids in dataset] == expected
    ids, starts, ends = tokenizer.tokenize_with_offsets("Un [MASK]")
    assert ids[-1] == tokenizer.mask_token_id
    assert (starts[-1], ends[-1]) == (3, 9)


def test_special_tokens_may_be_ordinary_text(pair):
    config = pair[0].get_config() | {"special_tokens_in_strings": False}
    check((WordPieceTokenizer(**config), reference_of(config)), [BERT_TEXTS["special tokens"]])


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip_accents", [True, False, None])
def test_switches(lowercase, strip_accents):
    vocabulary = [*SPECIAL_TOKENS, "Äpfel", "äpfel", "Apfel", "apfel"]
    tokenizer = WordPieceTokenizer(vocabulary, lowercase, strip_accents)
    expected = "a" if lowercase else "A"
    if strip_accents is False or (strip_accents is None and not lowercase):
        expected = "ä" if lowercase else "Ä"
    assert tokenizer.id_to_token(int(tokenizer("Äpfel")[0])) == expected + "pfel"


def test_back_to_text():
    tokenizer = WordPieceTokenizer([*SPECIAL_TOKENS, "un", "##aff", "##able", "!", "##"])
    ids = tokenizer(["Unaffable! [SEP] un", ""])
    assert tokenizer.detokenize(ids).numpy().tolist() == [b"unaffable ! un", b""]
    assert tokenizer.detokenize([2, 5, 9, 3]) == b"un ##"


def test_special_ids():
    tokenizer = WordPieceTokenizer(["a", "[SEP]", "[UNK]", "[CLS]", "[PAD]"])
    assert tokenizer.start_token_id == 3
    assert tokenizer.end_token_id == 1
    assert tokenizer.padding_token_id == 4
    assert tokenizer.unknown_token_id == 2
    assert tokenizer.mask_token_id is None


def test_text_that_is_no_utf8():
    tokenizer = WordPieceTokenizer([*SPECIAL_TOKENS, "a"])
    with pytest.raises(ValueError, match="`texts` must be valid UTF-8, and one of them is not"):
        tokenizer([b"a", b"a\xff"])
    with pytest.raises(ValueError, match="`texts` must be valid UTF-8, and one of them is not"):
        tokenizer.tokenize_with_offsets([b"\xed\xa0\x80"])
    with pytest.raises(tf.errors.InvalidArgumentError, match="`texts` must be valid UTF-8"):
        tf.function(tokenizer.tokenize)(tf.constant([b"a\xc3"]))


def test_bad_vocabularies():
    with pytest.raises(ValueError, match=r"must hold '\[UNK\]'; the 1 tokens received do not"):
        WordPieceTokenizer(["a"])
    with pytest.raises(ValueError, match=r"must hold '\[X\]'; the 2 tokens received do not"):
        WordPieceTokenizer(["a", "[UNK]"], special_tokens=["[X]"])
    with pytest.raises(ValueError, match="not hold a token twice; received 'a' twice"):
        WordPieceTokenizer(["a", "[UNK]", "a"])


def test_a_vocabulary_of_special_tokens_only():
    with pytest.raises(ValueError, match="must hold ordinary words or pieces; the 5 tokens receiv"):
        WordPieceTokenizer(SPECIAL_TOKENS)


def test_bad_training_texts():
    with pytest.raises(TypeError, match="`texts` must be an iterable of strings; received one str"):
        WordPieceTokenizer.train("text", 50)
    with pytest.raises(ValueError, match="`texts` must hold at least one word"):
        WordPieceTokenizer.train([" "], 50)
    with pytest.raises(ValueError, match="`vocabulary_size` must be at least 10.*; received 6"):
        WordPieceTokenizer.train(["abc"], 6)


def test_a_tokenizer_without_places_says_so():
    with pytest.raises(NotImplementedError, match="ByteTokenizer does not say where its tokens"):
        ByteTokenizer().tokenize_with_offsets(["a"])
