"""How the time of a training step grows with devices: a model, not a measurement.

    python scripts/cost_model.py
    python scripts/cost_model.py --parameters 1.5e9 --tokens 8192

A step computes for `6 x parameters x tokens / (utilisation x peak)` seconds (Kaplan et al. 2020,
section 2.1) and then reduces its gradients, float32: clipping wants the norm of the sum of all, so
nothing of the reduction hides behind the backward pass. A ring over n devices moves
`2 (n - 1) / n` of the gradients through each (Patarasu & Yuan 2009); with several groups, the
devices of a group share the way between groups. Every hop adds its latency. Peaks and bandwidths
are those of the makers' data sheets; half of a bandwidth is what a reduction is taken to reach.
"""

import argparse
import dataclasses

BYTES = 4
REACHED = 0.5


@dataclasses.dataclass(frozen=True)
class Machine:
    """Groups of devices.

    Attributes:
        name: for the table.
        devices: in all.
        group: devices that the fast links join.
        peak: bfloat16 operations a second, of a device.
        inside: bytes a second into a device from its group.
        between: bytes a second into a device from other groups.
        latency: seconds of a hop between groups; inside it is a tenth of that.
    """

    name: str
    devices: int
    group: int
    peak: float
    inside: float
    between: float = 50e9
    latency: float = 10e-6


MACHINES = [
    Machine("1 x H100", 1, 8, 989e12, 450e9),
    Machine("8 x H100, NVLink", 8, 8, 989e12, 450e9),
    Machine("v5e-16", 16, 256, 197e12, 200e9),
    Machine("64 x H100, 400 Gbit/s each", 64, 8, 989e12, 450e9),
    Machine("v5e, 4 slices of 256", 1024, 256, 197e12, 200e9, between=3e9),
    Machine("1,024 x H100, 400 Gbit/s each", 1024, 8, 989e12, 450e9),
]


def step_seconds(machine, parameters, tokens, utilisation):
    """Seconds that a step computes, and seconds that it reduces gradients."""
    compute = 6 * parameters * tokens / (utilisation * machine.peak)
    return compute, reduce_seconds(machine, BYTES * parameters)


def reduce_seconds(machine, size):
    """Seconds of an all-reduce of `size` bytes: in groups, between them, and in groups again."""
    group = min(machine.group, machine.devices)
    num_groups = machine.devices // group
    inside = ring(group, size, machine.inside, machine.latency / 10)
    return inside + ring(num_groups, size / group, machine.between, machine.latency)


def ring(n, size, bandwidth, latency):
    """Seconds of an all-reduce of `size` bytes around a ring of n."""
    return 2 * (n - 1) * (size / n / (REACHED * bandwidth) + latency)


def main():
    arguments = parse()
    print(
        f"{arguments.parameters:,.0f} parameters, {arguments.tokens:,} tokens on each device, "
        f"{arguments.utilisation:.0%} of the peak\n"
    )
    print("| machine | computes, ms | reduces, ms | efficiency | tokens a second |")
    print("|---|---|---|---|---|")
    for machine in MACHINES:
        compute, reduce = step_seconds(
            machine, arguments.parameters, arguments.tokens, arguments.utilisation
        )
        rate = machine.devices * arguments.tokens / (compute + reduce)
        print(
            f"| {machine.name} | {1e3 * compute:.0f} | {1e3 * reduce:.1f} "
            f"| {compute / (compute + reduce):.0%} | {rate:,.0f} |"
        )


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parameters", type=float, default=124e6, help="GPT-2 small by default")
    parser.add_argument("--tokens", type=int, default=16384, help="on each device, in a step")
    parser.add_argument("--utilisation", type=float, default=0.4, help="of the peak, computing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
