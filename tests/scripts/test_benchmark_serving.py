"""The benchmark of the server runs, and compares with the bare call."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def test_the_server_is_measured_beside_the_bare_call():
    found = subprocess.run(
        [sys.executable, "scripts/benchmark_serving.py", "--quick", "--only", "classifier"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    table = [line.split("|")[1:-1] for line in found.stdout.splitlines() if line.startswith("|")]
    _, _, bare, *served = [[cell.strip() for cell in line] for line in table]
    assert [line[1] for line in served] == ["1", "8", "32"]
    assert float(bare[3]) == 1
    for line in (bare, *served):
        rate, _, p50, p99 = (float(cell.replace(",", "")) for cell in line[2:])
        assert rate > 0 and 0 < p50 <= p99
