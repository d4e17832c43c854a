"""GPT-2 side by side with Hugging Face `transformers`, in both directions."""

import numpy as np
import pytest
import tokenizers

from tfzoo.models import GPTBackbone, GPTCausalLM, preset
from tfzoo.preprocessing import BytePairTokenizer, CausalLMPreprocessor

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SIZES = [
    dict(vocab_size=97, n_positions=23, n_embd=21, n_head=3, n_layer=2, n_inner=19),
    dict(vocab_size=41, n_positions=29, n_embd=35, n_head=5, n_layer=1)
    | dict(activation_function="relu", tie_word_embeddings=False),
    dict(vocab_size=127, n_positions=19, n_embd=13, n_head=1, n_layer=3, n_inner=53)
    | dict(activation_function="gelu"),
    dict(vocab_size=59, n_positions=31, n_embd=22, n_head=11, n_layer=2, n_inner=3)
    | dict(activation_function="silu"),
]
NAMES = ["heads_of_7", "untied_relu", "one_head_gelu", "heads_of_2_silu"]
ATOL = 1e-5
NUM_NEW_TOKENS = 11

# Spaces, contractions, scripts, emoji and what looks like a special token.
HARD_TEXTS = [
    "Hello world",
    "  two spaces, \t tabs\n\n and lines ",
    "I'm sure they'll say it's HERE'S 2024!!",
    "naïve café — Ünïcödé, 東京, Москва, العربية",
    "👩‍👩‍👧 e\u0301 \u00a0 \u3000x",
    "before<|endoftext|>after",
]


def make_model(sizes, deviation=0.4):
    torch.manual_seed(7)
    ends = dict(bos_token_id=None, eos_token_id=None)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**{**ends, **sizes})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Biases start at 0 and scales at 1, which would hide mistakes in them.
            parameter.normal_(0, deviation)
    return model


def make_token_ids(vocabulary_size, length=7):
    return np.random.default_rng(11).integers(vocabulary_size, size=(3, length))


def torch_logits(model, token_ids):
    with torch.no_grad():
        return model(torch.tensor(token_ids)).logits.float().numpy()


def logits(task, token_ids):
    return task({"token_ids": token_ids}).numpy()


def torch_greedy(model, token_ids, **ends):
    prompts = torch.tensor(token_ids)
    found = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        do_sample=False,
        max_new_tokens=NUM_NEW_TOKENS,
        **ends,
    )
    return found[:, prompts.shape[1] :].tolist()


def greedy(task, token_ids):
    for _ in range(NUM_NEW_TOKENS):
        next_ids = logits(task, token_ids)[:, -1].argmax(-1)
        token_ids = np.concatenate([token_ids, next_ids[:, None]], axis=1)
    return token_ids[:, -NUM_NEW_TOKENS:].tolist()


def same_tensors(model, other):
    theirs = other.state_dict()
    assert theirs.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.mark.parametrize("sizes", SIZES, ids=NAMES)
def test_from_hugging_face(tmp_path, sizes):
    model = make_model(sizes)
    model.save_pretrained(tmp_path)
    task = preset.load_task(GPTCausalLM, tmp_path)
    token_ids = make_token_ids(sizes["vocab_size"])
    expected = torch_logits(model, token_ids)
    np.testing.assert_allclose(logits(task, token_ids), expected, rtol=0, atol=ATOL)
    assert greedy(task, token_ids) == torch_greedy(model, token_ids)


@pytest.mark.parametrize("sizes", SIZES, ids=NAMES)
def test_to_hugging_face_and_from_there(tmp_path, sizes):
    model = make_model(sizes)
    model.save_pretrained(tmp_path / "theirs")
    task = preset.load_task(GPTCausalLM, tmp_path / "theirs")
    preset.save_hugging_face(task, tmp_path / "ours")
    back, report = transformers.GPT2LMHeadModel.from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not any(report.values()), report
    same_tensors(model, back)
    # The tensors alone do not say how they are used.
    token_ids = make_token_ids(sizes["vocab_size"])
    np.testing.assert_array_equal(torch_logits(back, token_ids), torch_logits(model, token_ids))


@pytest.mark.parametrize("tied", [True, False])
def test_a_backbone_of_ours_in_hugging_face(tmp_path, tied):
    backbone = GPTBackbone(
        83, 2, 3, 15, 17, dropout=0.25, max_sequence_length=13, tie_embeddings=tied
    )
    generator = np.random.default_rng(13)
    for variable in backbone.weights:
        variable.assign(generator.normal(0, 0.4, variable.shape))
    preset.save_hugging_face(backbone, tmp_path / "model")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval()
    assert model.config.resid_pdrop == model.config.attn_pdrop == 0.25
    token_ids = make_token_ids(83)
    expected = logits(GPTCausalLM(backbone), token_ids)
    np.testing.assert_allclose(torch_logits(model, token_ids), expected, rtol=0, atol=ATOL)


def test_the_network_without_its_head(tmp_path):
    model = make_model(SIZES[0])
    model.transformer.save_pretrained(tmp_path)
    task = preset.load_task(GPTCausalLM, tmp_path)
    token_ids = make_token_ids(97)
    expected = torch_logits(model, token_ids)
    np.testing.assert_allclose(logits(task, token_ids), expected, rtol=0, atol=ATOL)


def test_shards(tmp_path):
    model = make_model(SIZES[1])
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    task = preset.load_task(GPTCausalLM, tmp_path)
    token_ids = make_token_ids(41)
    expected = torch_logits(model, token_ids)
    np.testing.assert_allclose(logits(task, token_ids), expected, rtol=0, atol=ATOL)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def test_checkpoints_of_half_precision_are_computed_in_float32(tmp_path, dtype):
    model = make_model(SIZES[0]).to(dtype)
    model.save_pretrained(tmp_path)
    task = preset.load_task(GPTCausalLM, tmp_path)
    token_ids = make_token_ids(97)
    expected = torch_logits(model.float(), token_ids)
    np.testing.assert_allclose(logits(task, token_ids), expected, rtol=0, atol=ATOL)
    assert greedy(task, token_ids) == torch_greedy(model, token_ids)


def test_a_model_of_ours_in_bfloat16(tmp_path):
    backbone = GPTBackbone(83, 1, 3, 15, 17, max_sequence_length=13, dtype="bfloat16")
    preset.save_hugging_face(backbone, tmp_path / "model")
    model = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "model")
    assert model.dtype == torch.bfloat16
    expected = backbone.token_embedding.embeddings.numpy().astype("float32")
    np.testing.assert_array_equal(model.transformer.wte.weight.detach().float(), expected)


def compare_texts(folder, model, theirs):
    """Token ids of hard texts, and what both write after a prompt."""
    task = preset.load_task(GPTCausalLM, folder)
    ours = task.preprocessor.tokenizer
    assert ours.vocabulary_size == len(theirs)
    expected = [theirs(text)["input_ids"] for text in HARD_TEXTS]
    assert ours.tokenize(HARD_TEXTS).to_list() == expected

    # We put the start token in front of every text.
    start, end = ours.start_token_id, ours.end_token_id
    assert (start, end) == (theirs.bos_token_id, theirs.eos_token_id)
    written = []
    for text in HARD_TEXTS[:4]:
        token_ids = [[start, *theirs(text)["input_ids"]]]
        new_ids = torch_greedy(model, token_ids, eos_token_id=end, pad_token_id=end)
        written.append(theirs.decode(new_ids[0], skip_special_tokens=True))
    assert task.generate(HARD_TEXTS[:4], NUM_NEW_TOKENS, strip_prompt=True) == written
    assert max(map(len, written)) >= NUM_NEW_TOKENS, "too short to say much"


@pytest.fixture
def small_tokenizer():
    return BytePairTokenizer.train(HARD_TEXTS * 2, vocabulary_size=307)


def test_texts_from_tfzoo_to_hugging_face(tmp_path, small_tokenizer):
    sizes = dict(SIZES[0], vocab_size=small_tokenizer.vocabulary_size, n_positions=67)
    make_model(sizes).save_pretrained(tmp_path / "network")
    backbone = preset.load_backbone(GPTBackbone, tmp_path / "network")
    task = GPTCausalLM(backbone, CausalLMPreprocessor(small_tokenizer, 67))
    preset.save_hugging_face(task, tmp_path / "model")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert model.config.eos_token_id == small_tokenizer.end_token_id
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    compare_texts(tmp_path / "model", model, theirs)


def test_texts_that_start_and_end_otherwise(tmp_path):
    words = tokenizers.ByteLevelBPETokenizer()
    special_tokens = ["<s>", "<pad>", "</s>"]
    words.train_from_iterator(HARD_TEXTS * 2, 307, special_tokens=special_tokens)
    words.save(str(tmp_path / "words.json"))
    theirs = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "words.json"),
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
    )
    ends = dict(bos_token_id=0, eos_token_id=2)
    model = make_model(dict(SIZES[0], vocab_size=307, n_positions=67, **ends))
    model.save_pretrained(tmp_path / "theirs")
    theirs.save_pretrained(tmp_path / "theirs")
    compare_texts(tmp_path / "theirs", model, theirs)
    preset.save_hugging_face(preset.load_task(GPTCausalLM, tmp_path / "theirs"), tmp_path / "ours")
    back = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")
    assert (back.bos_token, back.eos_token) == ("<s>", "</s>")
    assert transformers.AutoConfig.from_pretrained(tmp_path / "ours").eos_token_id == 2


def test_texts_from_hugging_face_with_the_vocabulary_of_gpt2(tmp_path, data_dir):
    files = data_dir / "gpt2"
    theirs = transformers.GPT2Tokenizer(
        vocab=str(files / "vocab.json"), merges=str(files / "merges.txt")
    )
    assert len(theirs) == 50257
    model = make_model(dict(SIZES[0], vocab_size=50257, n_positions=67))
    model.save_pretrained(tmp_path)
    theirs.save_pretrained(tmp_path)
    compare_texts(tmp_path, model, theirs)
    for file in ("vocab.json", "merges.txt"):
        (tmp_path / file).write_bytes((files / file).read_bytes())
    (tmp_path / "tokenizer.json").unlink()
    compare_texts(tmp_path, model, theirs)
