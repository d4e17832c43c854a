"""Results as a table that can stand in the README."""

import statistics


def table(results, limits, unit="tokens"):
    """Markdown lines: rates and ratios are medians over the rounds, brackets hold the extremes."""
    references = list(dict.fromkeys(c for r in results for c in r.contestant.against))
    has_first_call = any("first_call" in facts for result in results for facts in result.facts)
    head = ["contestant", f"{unit}/s", *(f"x {column}" for column in references)]
    head += ["first call"] if has_first_call else []
    head += ["of the machine's limit", "peak memory"]
    rows = [row(result, results, references, has_first_call, limits) for result in results]
    for cells in rows:
        cells += [""] * (len(head) - len(cells))
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def row(result, results, references, has_first_call, limits):
    contestant = result.contestant
    if not result.turns:
        return [contestant.name, str(result.error).replace("|", "/")]
    by_name = {other.contestant.name: other for other in results}
    cells = [contestant.name, significant(statistics.median(result.rates()))]
    for column in references:
        reference = by_name.get(contestant.against.get(column))
        cells.append(ratio(result, reference) if reference else "")
    if has_first_call:
        cells.append(first_call(result))
    cells.append(share(result, limits))
    peak = max(turn["peak_bytes"] for turn in result.turns)
    note = f" ({result.error})" if result.error else ""
    return [*cells, f"{peak / 2**30:.2f} GiB{note}"]


def ratio(result, reference):
    """Median over the rounds, and the extremes: the same round makes a pair."""
    pairs = [a / b for a, b in zip(result.rates(), reference.rates(), strict=False)]
    if not pairs:
        return "no pair"
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f}–{max(pairs):.2f})"


def first_call(result):
    seconds = [facts["first_call"] for facts in result.facts if "first_call" in facts]
    return f"{statistics.median(seconds):.1f} s" if seconds else ""


def share(result, limits):
    name, demand = result.contestant.demand
    if not limits.turns:
        return ""
    return f"{statistics.median(result.rates()) * demand / limits.median(name):.0%}"


def limits_line(limits):
    """The machine's limits, measured between the contestants' turns."""
    if not limits.turns:
        return f"The machine's limits were not measured: {limits.error}"
    return (
        f"Limits of the machine in the same rounds: {limits.median('float32') / 1e9:.0f} GFLOP/s "
        f"in float32, {limits.median('bfloat16') / 1e9:.0f} in bfloat16, "
        f"{limits.median('bandwidth') / 1e9:.0f} GB/s."
    )


def significant(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
