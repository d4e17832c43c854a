"""Contestants in processes of their own that take turns: A B C, then C B A, then A B C.

What disturbs the machine for a minute disturbs all of them, so ratios within a round mean more than
times do. All live at once, because a process that starts anew for each turn mostly compiles.
"""

import dataclasses
import importlib
import multiprocessing
import os
import resource
import statistics
import sys
import time
import traceback


@dataclasses.dataclass(frozen=True)
class Contestant:
    """One row of a table.

    Attributes:
        name: what the row is called.
        function: `module:function` within this package; called with `Turns` and `settings`.
        settings: its keyword arguments.
        against: columns of ratios, and the names of the contestants that they are taken to.
        demand: `(limit, amount)`, what one token asks of the machine: floating-point operations
            of "float32" or "bfloat16", or bytes of "bandwidth".
    """

    name: str
    function: str
    settings: dict
    against: dict = dataclasses.field(default_factory=dict)
    demand: tuple = ("float32", 0)


@dataclasses.dataclass(frozen=True)
class Heat:
    """Contestants that run against each other; one table."""

    title: str
    contestants: list
    starts: int = 1
    unit: str = "tokens"


@dataclasses.dataclass
class Result:
    """What a contestant said: facts once, numbers at each turn; or why there are none."""

    contestant: Contestant
    facts: list = dataclasses.field(default_factory=list)
    turns: list = dataclasses.field(default_factory=list)
    error: str | None = None

    def note(self, message):
        """Keeps what the contestant said, and shows it."""
        ((kind, said),) = message.items()
        if kind == "error":
            self.error = said
        else:
            {"facts": self.facts, "turn": self.turns}[kind].append(said)
            said = ", ".join(f"{name} {value:.4g}" for name, value in said.items()) or "ready"
        print(f"  {self.contestant.name}: {said}", file=sys.stderr, flush=True)

    def median(self, number):
        return statistics.median(turn[number] for turn in self.turns)

    def rates(self):
        """Tokens per second, turn by turn."""
        return [turn["tokens"] / turn["seconds"] for turn in self.turns]


class Turns:
    """The contestant's end of the line; its clock runs from `ready` or `end` to the next `end`."""

    def __init__(self, line):
        self._line = line

    def ready(self, **facts):
        """Everything is built and warm; returns when it is this contestant's turn."""
        self._say(facts=facts)

    def end(self, tokens, **numbers):
        """A turn is over; returns when the next one begins."""
        seconds, cpu_seconds = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self._say(
            turn=dict(
                tokens=tokens,
                seconds=seconds,
                cpu_seconds=cpu_seconds,
                peak_bytes=peak_bytes(),
                **numbers,
            )
        )

    def _say(self, **message):
        self._line.send(message)
        if self._line.recv() == "stop":
            raise SystemExit
        self._wall, self._cpu = time.perf_counter(), time.process_time()


class Process:
    """The referee's end of the line."""

    def __init__(self, contestant, log):
        spawn = multiprocessing.get_context("spawn")
        self._line, other = spawn.Pipe()
        arguments = (contestant.function, contestant.settings, other, log)
        self._process = spawn.Process(target=compete, args=arguments, daemon=True)
        self._process.start()
        other.close()

    def hear(self):
        try:
            return self._line.recv()
        except (EOFError, OSError):
            self._process.join()
            return {"error": f"ended with exit code {self._process.exitcode}"}

    def turn(self):
        try:
            self._line.send("go")
        except OSError:
            pass  # `hear` says how it ended
        return self.hear()

    def stop(self):
        try:
            self._line.send("stop")
        except OSError:
            pass  # it has ended already
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def compete(function, settings, line, log):
    """The life of a contestant's process; what libraries print goes to the log."""
    with open(log, "a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    module, name = function.split(":")
    try:
        getattr(importlib.import_module(f"benchmarks.{module}"), name)(Turns(line), **settings)
    except Exception as error:
        traceback.print_exc()
        line.send({"error": f"{type(error).__name__}: {str(error).strip()}".splitlines()[0][:200]})


def apart(function, settings, log):
    """Runs a preparation in a process of its own; returns the facts that it said to be ready."""
    process = Process(Contestant(function, function, settings), log)
    message = process.hear()
    process.stop()
    if "error" in message:
        raise RuntimeError(f"{function} failed: {message['error']}; {log} has more.")
    return message["facts"]


def run_heat(contestants, rounds, starts, log):
    """Runs contestants against each other.

    Args:
        contestants: list of `Contestant`.
        rounds: int, turns of each.
        starts: int, how often each starts, for facts about a start; the last one stays.
        log: path of a file for what the contestants' libraries print.

    Returns:
        A `Result` for each, in their order.
    """
    results = [Result(contestant) for contestant in contestants]
    processes = [None] * len(results)

    for _ in range(starts):
        for number, result in enumerate(results):
            if processes[number]:
                processes[number].stop()
            processes[number] = Process(result.contestant, log)
            result.note(processes[number].hear())
    for round_number in range(rounds):
        pairs = list(zip(results, processes, strict=True))
        for result, process in pairs[:: 1 if round_number % 2 == 0 else -1]:
            if not result.error:
                result.note(process.turn())
    for process in processes:
        process.stop()
    return results


def peak_bytes():
    """The most memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
