"""Times tfzoo against its peers on the CPU: every number on speed in the README.

    python scripts/benchmark.py                     # all suites: about two hours on two cores
    python scripts/benchmark.py train --rounds 7 --only 'tfzoo|KerasHub'
    python scripts/benchmark.py raw-text --quick    # tiny networks: does it run?

Contestants live in processes of their own and take turns, so that ratios of the same round count,
whatever else the machine does. The peers are KerasHub and, where `pip install -e ".[bench]"` was
run, nanoGPT's network in torch, and transformers. All language models are GPT-2 or BERT without
dropout, compiled as by `compile()` unless the name says XLA; the GANs are DCGAN, against the train
step of Keras's example and against torch. Tokenizers: `scripts/benchmark_tokenizers.py`.
"""

import argparse
import json
import os
import re
import shlex
import sys
import tempfile

from benchmarks import machine
from benchmarks.heat import Contestant, run_heat
from benchmarks.suites import SUITES
from benchmarks.tables import limits_line, table

LIMITS = Contestant("limits", "machine:limits", {})


def main():
    arguments = parse()
    # Contestants inherit it: the numbers are the CPU's, and libraries keep their voices down.
    os.environ.update(CUDA_VISIBLE_DEVICES="", KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="2")
    print(f"`python {shlex.join(['scripts/benchmark.py', *sys.argv[1:]])}`\n")
    print(machine.describe(), end="\n\n", flush=True)
    report = {"machine": machine.describe(), "arguments": sys.argv[1:], "heats": []}
    for name in arguments.suites:
        print(f"### {name}\n\n{SUITES[name].__doc__}", end="\n\n", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            try:
                for heat in SUITES[name](folder, os.path.abspath(arguments.log), arguments.quick):
                    if re.search(arguments.heat, heat.title):
                        report["heats"].append(run(name, heat, arguments))
            except RuntimeError as error:
                print(f"{error}\n", flush=True)
        if arguments.json:
            write_json(arguments.json, report)


def run(suite, heat, arguments):
    """Runs one heat, prints its table, and returns all its numbers."""
    chosen = [c for c in heat.contestants if re.search(arguments.only, c.name)]
    *results, limits = run_heat([*chosen, LIMITS], arguments.rounds, heat.starts, arguments.log)
    lines = table(results, limits, heat.unit)
    print(heat.title, "", *lines, "", limits_line(limits), "", sep="\n", flush=True)
    everything = [
        {"name": r.contestant.name, "facts": r.facts, "turns": r.turns, "error": r.error}
        for r in (*results, limits)
    ]
    return {"suite": suite, "title": heat.title, "results": everything}


def write_json(path, report):
    aside = f"{path}.part"
    with open(aside, "w") as file:
        json.dump(report, file, indent=1)
    os.replace(aside, path)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], default=list(SUITES))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--heat", default="", help="regular expression: titles of tables to fill")
    parser.add_argument("--only", default="", help="regular expression: contestants to run")
    parser.add_argument(
        "--quick", action="store_true", help="tiny networks; the numbers mean little"
    )
    parser.add_argument("--json", help="file for all numbers")
    parser.add_argument("--log", default="benchmark.log", help="file for what libraries print")
    return parser.parse_args()


if __name__ == "__main__":
    main()
