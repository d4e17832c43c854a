"""Several hosts train what one process trains with the same batches; a lost one ends the others."""

import json
import os
import pickle
import socket
import subprocess
import sys
import time

import numpy as np
import tensorflow as tf

from tests.conftest import ROOT
from tests.laws.many_hosts_worker import trained


def free_ports(count):
    with_ports = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in with_ports]
    for server in with_ports:
        server.close()
    return ports


def start_workers(count, folder, *arguments):
    """Starts worker processes on this machine; one thread each, for the cores are shared."""
    workers = [f"localhost:{port}" for port in free_ports(count)]
    command = [sys.executable, "-m", "tests.laws.many_hosts_worker", str(folder), *arguments]
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "2",
    }
    return [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **environ,
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
                ),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(count)
    ]


def finished(workers, timeout=500):
    """Waits for all; returns their exit codes, and what they said."""
    try:
        said = [worker.communicate(timeout=timeout)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [worker.returncode for worker in workers], said


def results(folder, rank):
    return pickle.loads((folder / f"{rank}.pickle").read_bytes())


def test_two_hosts_train_what_one_process_trains(tmp_path):
    families = ["gpt", "text_classifier", "image_gan"]
    codes, said = finished(start_workers(2, tmp_path, ",".join(families)))
    assert codes == [0, 0], "\n".join(said)
    hosts = [results(tmp_path, rank) for rank in range(2)]
    for family in families:
        assert_equal_to_one_process(family, hosts)


def test_three_hosts_do_too_and_tell_who_was_lost(tmp_path):
    workers = start_workers(3, tmp_path, "point_gan", "lose")
    workers[2].wait(timeout=300)
    lost = time.monotonic()
    codes, said = finished(workers)
    assert codes[:2] == [0, 0], "\n".join(said)
    assert time.monotonic() - lost < 60
    hosts = [results(tmp_path, rank) for rank in range(2)]
    assert_equal_to_one_process("point_gan", hosts)
    for host in hosts:
        assert "worker 2 at localhost:" in host["lost"]


def test_hosts_go_on_from_what_all_of_them_have(tmp_path):
    codes, said = finished(start_workers(2, tmp_path, "", "lose on the way"))
    assert codes == [0, -9], "\n".join(said)
    whole, history = results(tmp_path, 0)["whole"]
    checkpoints = [sorted((tmp_path / "checkpoints" / f"host-{n}").glob("*.npz")) for n in range(2)]
    # As if the one that died had been writing; the other has one that it does not have.
    for path in checkpoints[1]:
        if path.name >= checkpoints[0][-1].name:
            path.unlink()
    codes, said = finished(start_workers(2, tmp_path, "", "go on"))
    assert codes == [0, 0], "\n".join(said)
    newest = int(checkpoints[0][-1].stem.removeprefix("step-"))
    for rank in range(2):
        assert f"Going on after step {newest - 2}" in said[rank]
        resumed, continued = results(tmp_path, rank)["resumed"]
        for a, b in zip(whole, resumed, strict=True):
            np.testing.assert_array_equal(a, b)
        assert continued == history


def assert_equal_to_one_process(family, hosts):
    first, *others = [host[family] for host in hosts]
    for other in others:
        for a, b in zip(first["weights"], other["weights"], strict=True):
            np.testing.assert_array_equal(a, b)
        assert first["logs"] == other["logs"]
        np.testing.assert_array_equal(first["predictions"], other["predictions"])
    one = trained(family, tf.distribute.OneDeviceStrategy("CPU:0"))
    for a, b in zip(first["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert first["logs"].keys() == one["logs"].keys()
    for name, value in one["logs"].items():
        np.testing.assert_allclose(first["logs"][name], value, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(first["predictions"], one["predictions"], atol=1e-5)
