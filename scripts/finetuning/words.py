"""Words with BIO tags: F1 of entities, beside the tag that each word has most often."""

import collections

import seqeval.metrics

import tfzoo

METRIC = "entity_f1"
BASELINE = "most frequent tag of each word"
EPOCHS = 3
LEARNING_RATE = 3e-4
LONGEST = 256  # word pieces; longer sentences have to be divided


def read(source, data_dir, known=None):
    """Sentences of one file or data set; entities must be among those of the training part."""
    entity_names = known.entity_names if known else None
    name, _, split = source.partition("@")
    return tfzoo.data.load_tagged_words(
        name, split=split or None, data_dir=data_dir, entity_names=entity_names
    )


def build(preset, train, dtype):
    return tfzoo.models.BertTokenClassifier.from_preset(
        preset, entity_names=train.entity_names, dtype=dtype, sequence_length=LONGEST
    )


def compile(model, learning_rate, layer_decay):
    model.compile(learning_rate=learning_rate, layer_decay=layer_decay)


def score(model, examples, batch_size):
    logs = model.evaluate(*examples, batch_size=batch_size, return_dict=True, verbose=0)
    return logs[METRIC]


def baseline(train, test):
    counts = collections.defaultdict(collections.Counter)
    for words, tags in zip(*train, strict=True):
        for word, tag in zip(words, tags, strict=True):
            counts[word.lower()][tag] += 1
    best = {word: tags.most_common(1)[0][0] for word, tags in counts.items()}
    found = [[best.get(word.lower(), "O") for word in words] for words in test.words]
    return seqeval.metrics.f1_score(test.tags, found)
