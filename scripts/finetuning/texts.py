"""Texts with labels: accuracy, beside TF-IDF of words and pairs of words with a linear model."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import tfzoo

METRIC = "accuracy"
BASELINE = "TF-IDF + logistic regression"
EPOCHS = 3
LEARNING_RATE = 2e-4
LONGEST = 128  # word pieces; what is longer is cut


def read(source, data_dir, known=None):
    """Examples of one file or data set; labels must be among those of the training part."""
    class_names = known.class_names if known else None
    name, _, split = source.partition("@")
    return tfzoo.data.load_labelled_texts(
        name, split=split or None, data_dir=data_dir, class_names=class_names
    )


def built_in():
    """The built-in example: which area of the standard library a docstring belongs to."""
    return tfzoo.data.docstring_areas()


def build(preset, train, dtype):
    return tfzoo.models.BertTextClassifier.from_preset(
        preset, class_names=train.class_names, dtype=dtype, sequence_length=LONGEST
    )


def compile(model, learning_rate, layer_decay):
    model.compile(learning_rate=learning_rate, layer_decay=layer_decay)


def score(model, examples, batch_size):
    logs = model.evaluate(*examples, batch_size=batch_size, return_dict=True, verbose=0)
    return logs[METRIC]


def baseline(train, test):
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    linear = LogisticRegression(C=10, max_iter=300)
    return make_pipeline(words, linear).fit(*train).score(*test)
