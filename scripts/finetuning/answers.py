"""Questions with answers in a text: SQuAD's F1, beside the run of words most like the question."""

import tfzoo
from finetuning.lexical_answers import LexicalAnswers

METRIC = "f1"
BASELINE = "sliding window of words"
EPOCHS = 3
LEARNING_RATE = 2e-4


def read(source, data_dir, known=None):
    """Examples of one SQuAD file or data set, as the only argument of `fit`."""
    name, _, split = source.partition("@")
    return (tfzoo.data.load_squad(name, split=split or None, data_dir=data_dir),)


def build(preset, train, dtype):
    tokenizer = tfzoo.preprocessing.WordPieceTokenizer.load(preset)
    return tfzoo.models.BertQuestionAnswerer(
        tfzoo.models.BertBackbone.from_preset(preset, dtype=dtype),
        tfzoo.preprocessing.QuestionAnsweringPreprocessor(tokenizer),
        max_answer_length=64,  # privacy policies are quoted clause by clause
    )


def compile(model, learning_rate, layer_decay):
    model.compile(tfzoo.optimizers.fine_tuning_adamw(learning_rate))


def score(model, examples, batch_size):
    logs = model.evaluate(*examples, batch_size=batch_size, return_dict=True, verbose=0)
    return logs[METRIC]


def baseline(train, test):
    return LexicalAnswers(*train).scores(*test)["f1"]
