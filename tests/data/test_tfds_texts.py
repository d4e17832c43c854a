import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfzoo.data import load_corpus, load_texts, split

TRAIN = [f"train {i}" for i in range(23)]
TEST = ["test 0", "t\u00e9st 1\nline 2"]


def store(data_dir, name, **splits):
    features = tfds.features.FeaturesDict(
        {"text": tfds.features.Text(), "title": tfds.features.Text(), "size": np.int64}
    )
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="1.0.0",
        features=features,
        data_dir=data_dir,
        disable_shuffling=True,
        split_datasets={
            part: [(i, {"text": text, "title": "T", "size": 3}) for i, text in enumerate(texts)]
            for part, texts in splits.items()
        },
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("tfds")
    store(data_dir, "tales", train=TRAIN, test=TEST)
    store(data_dir, "poems", poems=TRAIN)
    return data_dir


def test_reads_a_prepared_dataset(prepared):
    assert load_texts("tfds:tales", data_dir=prepared, split="train") == TRAIN
    assert load_texts("tfds:tales", data_dir=prepared, split="test") == TEST
    everything = load_texts("tfds:tales", data_dir=prepared)
    assert everything == TRAIN + TEST
    assert everything == load_texts("tfds:tales", data_dir=str(prepared))
    assert load_texts("tfds:tales", data_dir=prepared, split="train[:5]") == TRAIN[:5]
    assert load_texts("tfds:tales", data_dir=prepared, split="test", field="title") == ["T"] * 2
    assert load_texts("tfds:tales", data_dir=prepared, split="test", document_per="line") == [
        "test 0",
        "t\u00e9st 1",
        "line 2",
    ]


def test_load_corpus_keeps_the_parts_that_are_there(prepared):
    corpus = load_corpus("tfds:tales", data_dir=prepared, validation=0.3, test=0.1)
    assert corpus.test == TEST
    assert corpus[:2] == split(TRAIN, validation=0.3, test=0)[:2]
    assert corpus.validation


def test_load_corpus_splits_where_there_is_no_training_part_or_one_is_named(prepared):
    cut = {"validation": 0.3, "test": 0.3, "seed": 1}
    assert load_corpus("tfds:poems", data_dir=prepared, **cut) == split(TRAIN, **cut)
    corpus = load_corpus("tfds:tales", data_dir=prepared, split="train", **cut)
    assert corpus == split(TRAIN, **cut)


def test_tiny_shakespeare(data_dir):
    corpus = load_corpus("tfds:tiny_shakespeare", data_dir=data_dir / "tfds")
    assert [len(part) for part in corpus] == [1, 1, 1]
    assert [len(part[0]) for part in corpus] == [1_003_854, 55_770, 55_770]
    assert corpus.train[0].startswith("First Citizen:\nBefore we proceed any further")
    (rest,) = load_texts("tfds:tiny_shakespeare", data_dir=data_dir / "tfds", split="validation")
    assert corpus.validation == [rest]


def test_what_is_missing_is_named(prepared, tmp_path):
    with pytest.raises(
        FileNotFoundError, match="tfds:tiny_shakespeare is not prepared in .*: pass"
    ):
        load_texts("tfds:tiny_shakespeare", data_dir=tmp_path)
    with pytest.raises(ValueError, match="knows no dataset 'no_such_tales': check the name"):
        load_texts("tfds:no_such_tales", data_dir=tmp_path)
    with pytest.raises(ValueError, match="no text field 'body'; it has text, title"):
        load_texts("tfds:tales", data_dir=prepared, field="body")
    with pytest.raises(ValueError, match="no text field 'size'"):
        load_texts("tfds:tales", data_dir=prepared, field="size")
    with pytest.raises(ValueError, match="Unknown split 'dev'"):
        load_texts("tfds:tales", data_dir=prepared, split="dev")
