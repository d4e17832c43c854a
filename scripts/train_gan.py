"""Trains GANs by a recipe and scores them: every quality number of the README on images.

    python scripts/train_gan.py digits                      # about a minute
    python scripts/train_gan.py grid --seeds 0 1 2 3 4 5 6 7 8 9 --processes 2
    python scripts/train_gan.py ring --seeds 0 1 2 3 4 5 6 7 8 9 --processes 2
    python scripts/train_gan.py fashion --data-dir DIR --seeds 0 1 2
    python scripts/train_gan.py fashion --data-dir DIR --baseline dcgan

Each recipe has a fixed number of steps, so that its numbers do not depend on how fast a machine is.
They do depend, within the spread of seeds, on how it rounds: another processor or number of threads
sums in another order, and two players amplify the difference. Beside the numbers stands the floor:
what real data score in the place of samples. With `--tune` nothing of the test set is looked at: a
sixth of the training set takes its place.

What `--set` may change are the keys of RECIPES in scripts/gan_recipes/images.py (digits, fashion)
and scripts/gan_recipes/points.py (grid, ring): --set '{"steps": 500, "batch_size": 32}'.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os

import numpy as np

RECIPES = {"digits": "images", "fashion": "images", "grid": "points", "ring": "points"}


def main():
    arguments = parse()
    jobs = [(arguments, seed) for seed in arguments.seeds]
    print(announcement(arguments), flush=True)
    if arguments.processes == 1:
        results = list(map(run, jobs))
    else:
        # A core for each process: small networks gain nothing from more.
        os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
        spawn = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(arguments.processes, spawn) as pool:
            results = list(pool.map(run, jobs))
    print(f"\n{arguments.recipe}{' ' + arguments.baseline if arguments.baseline else ''}\n")
    print("\n".join(table([numbers for numbers, _ in results], [floor for _, floor in results])))


def run(job):
    """Trains and scores with one seed: two dictionaries of numbers."""
    arguments, seed = job
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    recipes = load(RECIPES[arguments.recipe])
    recipe = changed(recipes, arguments)
    numbers = recipes.run(recipe, seed, arguments)
    said = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
    print(f"seed {seed}: {said}", flush=True)
    return numbers, recipes.floor(recipe, seed, arguments)


def changed(recipes, arguments):
    """The recipe, as a baseline and `--set` change it."""
    recipe = recipes.RECIPES[arguments.recipe]
    if arguments.baseline:
        recipe = recipe | recipes.BASELINES[arguments.baseline]
    changes = json.loads(arguments.set)
    known = recipe.keys() | {"decay"} if RECIPES[arguments.recipe] == "images" else recipe.keys()
    for key in changes:
        if key not in known:
            raise SystemExit(f"--set knows {', '.join(sorted(known))}; received {key!r}.")
    return recipe | changes


def announcement(arguments):
    """What is about to happen, and where its pictures will be."""
    model = f" as {arguments.baseline}" if arguments.baseline else ""
    seeds = ", ".join(map(str, arguments.seeds))
    changes = f" with {arguments.set}" if arguments.set != "{}" else ""
    places = {
        "images": f"pictures go to {arguments.output}/{arguments.recipe}*/, renewed as it trains",
        "points": "it draws no pictures",
    }
    return (
        f"Trains {arguments.recipe}{model}{changes}, seed {seeds}; "
        f"{places[RECIPES[arguments.recipe]]}."
    )


def load(module):
    # Not at the top: the processes set their threads before TensorFlow is there.
    import importlib

    return importlib.import_module(f"gan_recipes.{module}")


def table(results, floors):
    """Markdown: mean and deviation over the seeds, and the floor beside them."""
    yield f"| | {len(results)} seed{'s' if len(results) > 1 else ''} | floor |"
    yield "| --- | --- | --- |"
    for name in results[0]:
        cells = [
            spread([numbers[name] for numbers in some if name in numbers])
            for some in (results, floors)
        ]
        yield f"| {name.replace('_', ' ')} | {' | '.join(cells)} |"


def spread(values):
    if len(values) < 2:
        return f"{values[0]:.4f}" if values else ""
    with np.errstate(invalid="ignore"):  # what is infinite once has no deviation
        return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="default: 0")
    parser.add_argument("--baseline", choices=["dcgan"], help="another model, the same harness")
    parser.add_argument("--data-dir", help="folder of prepared TFDS datasets")
    parser.add_argument("--set", default="{}", help="JSON that changes the recipe; default: {}")
    parser.add_argument("--processes", type=int, default=1, help="seeds to train at a time")
    parser.add_argument("--tune", action="store_true", help="never look at the test set")
    parser.add_argument(
        "--output", default="runs", help="folder for pictures and models; default: runs"
    )
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
