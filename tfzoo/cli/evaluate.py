"""`tfzoo evaluate`: a model from a folder, scored on data."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tfzoo.cli import train_options as options
from tfzoo.cli.run_folder import CARD, RUN
from tfzoo.cli.sources import columns_of, read


def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder of the model, or of its run.")],
    data: Annotated[str, typer.Argument(help="What it was trained on is named alike.")],
    batch_size: Annotated[int, typer.Option(min=1, help="Rows at once.")] = 32,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of prepared TFDS datasets.")] = None,
    image_size: options.ImageSize = None,
    text: options.Text = None,
    label: options.Label = None,
    pair: options.Pair = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Score a model on texts, labelled examples or images: a number in each line."""
    # TensorFlow takes seconds to import: only who evaluates waits for it.
    from tfzoo.models import Task

    with Console(stderr=True).status(f"Scoring {model} on {data} ..."):
        task = Task.from_preset(model)
        names = getattr(task, "class_names", None) or getattr(task, "entity_names", None)
        columns = columns_of(task.SERVES, text=text, label=label, pair=pair)
        examples = read(task.SERVES, data, names, data_dir, columns, image_size)
        if task.SERVES == "images":
            found = distances(task, *examples)
        else:
            task.compile()
            found = task.evaluate(*examples, batch_size=batch_size, return_dict=True, verbose=0)
    found = {name: float(value) for name, value in found.items()}
    if data == source_of_run(model):
        print(
            f"{model} was trained on a part of {data}: its own test scores are in {CARD}.",
            file=sys.stderr,
        )
    lines = [json.dumps(found)] if as_json else [f"{n}: {x:.4f}" for n, x in found.items()]
    print("\n".join(lines))


def source_of_run(folder):
    """The name of the data that a run was trained on, if the folder is one."""
    from tfzoo.checkpoints.json_file import read_json_object

    path = folder / RUN
    return read_json_object(path).get("settings", {}).get("data") if path.exists() else None


def distances(gan, images, labels=None):
    """How far samples are from real images, in pixels of [-1, 1], and real ones from each other.

    The floor is the distance between two halves of the images; samples, as many as in a half, can
    hardly be nearer. Pixels know nothing of shapes: these numbers tell failure from success, not
    good from better.
    """
    import numpy as np

    from tfzoo.metrics import sliced_wasserstein

    if len(images) < 2:
        raise ValueError(f"`data` must hold at least two images; received {len(images)}.")
    if gan.num_classes is not None and labels is None:
        raise ValueError(
            "`data` must have classes, such as a folder with a folder for each, because the model "
            f"has {gan.num_classes}; received images without any."
        )
    pixels = images if images.dtype.kind == "f" else images / 127.5 - 1
    first, second = (pixels[start::2].reshape(-1, pixels[0].size) for start in (0, 1))
    conditional = {} if gan.num_classes is None else {"labels": labels[1::2]}
    samples = gan.generate(len(second), seed=0, **conditional)
    samples = np.asarray(samples, "float32").reshape(len(second), -1)
    return {
        "sliced_wasserstein": sliced_wasserstein(first, samples),
        "sliced_wasserstein_floor": sliced_wasserstein(first, second),
    }
