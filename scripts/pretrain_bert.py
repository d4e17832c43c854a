"""Pretrains BERT on raw text by a recipe, and shows what that adds to fine-tuning.

    python scripts/pretrain_bert.py --recipe tiny --output bert-tiny
    python scripts/pretrain_bert.py --data "texts/*.txt" --train TRAIN.tsv --test TEST.tsv

Without data it reads the docstrings of installed packages, and is scored on the built-in example:
which area of the standard library a docstring is from. Texts of the test part are left out of the
pretraining. Fine-tuning is the same for both rows of the table: `--labels` examples, `--epochs`.
"""

import argparse
import statistics
import time

import keras

import tfzoo
from tfzoo.models import BERT_MINI, BERT_TINY, BertBackbone, BertMaskedLM, BertTextClassifier
from tfzoo.optimizers import MuonAdamW, WarmupCosine
from tfzoo.preprocessing import (
    MaskedLMPreprocessor,
    TextClassifierPreprocessor,
    WordPieceTokenizer,
)

# Steps are fixed, not minutes, so that a recipe gives the same numbers on every machine.
RECIPES = {
    "tiny": dict(size=BERT_TINY, vocabulary_size=8192, length=128, batch_size=32, steps=3000),
    "mini": dict(size=BERT_MINI, vocabulary_size=8192, length=128, batch_size=64, steps=3000),
}


def main():
    arguments = parse()
    train, test = labelled(arguments)
    unseen = set(test[0])
    texts = [text for text in tfzoo.data.load_texts(arguments.data) if text not in unseen]
    pretrained, scratch = [], []
    for seed in arguments.seeds:
        keras.utils.set_random_seed(seed)
        model = pretrain(arguments, texts, seed)
        if arguments.output:
            model.save_to_preset(f"{arguments.output}-{seed}")
        pretrained.append(score(arguments, model.backbone, model, train, test, seed))
        keras.utils.set_random_seed(seed)
        fresh = BertBackbone.from_config(model.backbone.get_config())
        scratch.append(score(arguments, fresh, model, train, test, seed))
        print(
            f"seed {seed}: pretrained {pretrained[-1]:.4f}, scratch {scratch[-1]:.4f}", flush=True
        )
    print(f"| {len(train[0])} labels, {arguments.epochs} epochs | accuracy, % |\n|---|---|")
    for name, scores in {"pretrained": pretrained, "from scratch": scratch}.items():
        spread = f" ± {100 * statistics.stdev(scores):.1f}" if len(scores) > 1 else ""
        print(f"| {name} | {100 * statistics.mean(scores):.1f}{spread} |")


def pretrain(arguments, texts, seed):
    recipe = RECIPES[arguments.recipe]
    steps = arguments.steps or recipe["steps"]
    tokenizer = WordPieceTokenizer.train(texts, recipe["vocabulary_size"])
    backbone = BertBackbone(tokenizer.vocabulary_size, **recipe["size"], dtype=arguments.dtype)
    preprocessor = MaskedLMPreprocessor(tokenizer, recipe["length"], masking="words")
    model = BertMaskedLM(backbone, preprocessor)
    # From nothing. AdamW takes many times as long to see that words depend on those around them.
    model.compile(MuonAdamW(WarmupCosine(0.02)))
    held_out, shown = texts[::50], [text for n, text in enumerate(texts) if n % 50]
    started = time.perf_counter()
    epochs = 10
    model.fit(
        shown,
        batch_size=recipe["batch_size"],
        epochs=epochs,
        steps_per_epoch=max(1, steps // epochs),
        validation_data=held_out,
        seed=seed,
        verbose=2,
    )
    print(f"pretrained in {(time.perf_counter() - started) / 60:.1f} minutes", flush=True)
    return model


def score(arguments, backbone, model, train, test, seed):
    """Accuracy on the test part after fine-tuning on the training part."""
    preprocessor = TextClassifierPreprocessor(
        model.preprocessor.tokenizer, RECIPES[arguments.recipe]["length"]
    )
    classifier = BertTextClassifier(backbone, preprocessor, class_names=sorted(set(train[1])))
    classifier.compile()
    classifier.fit(*train, batch_size=32, epochs=arguments.epochs, seed=seed, verbose=0)
    return classifier.evaluate(*test, return_dict=True, verbose=0)["accuracy"]


def labelled(arguments):
    """`((texts, labels), (texts, labels))` for training and test."""
    if arguments.train:
        parts = [tfzoo.data.load_labelled_texts(p) for p in (arguments.train, arguments.test)]
    else:
        corpus = tfzoo.data.docstring_areas(validation=0.0, test=0.3)
        parts = [corpus.train, corpus.test]
    train, test = ((list(part.texts), list(part.labels)) for part in parts)
    stride = max(1, len(train[0]) // arguments.labels)
    return (train[0][::stride], train[1][::stride]), test


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="python_docstrings", help="what load_texts takes")
    parser.add_argument("--recipe", choices=RECIPES, default="tiny")
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--train", help="labelled file to fine-tune on")
    parser.add_argument("--test", help="labelled file to be scored on")
    parser.add_argument("--labels", type=int, default=1000, help="at most about as many examples")
    parser.add_argument("--epochs", type=int, default=5, help="of fine-tuning")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--dtype", default="mixed_bfloat16")
    parser.add_argument("--output", help="beginning of the names of folders to save presets in")
    arguments = parser.parse_args()
    if bool(arguments.train) != bool(arguments.test):
        parser.error("--train and --test come together, or neither for the built-in example")
    return arguments


if __name__ == "__main__":
    main()
