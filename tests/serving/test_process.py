"""The server as a process of its own: what it can import, how it stops, and its command."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

import tfzoo
from tests.serving import bundles
from tfzoo import cli

command = sys.modules["tfzoo.cli.serve"]  # the function has the name of its module
PROGRAM = Path(tfzoo.__file__).parent / "serving" / "__main__.py"
# What was imported is said when the process ends.
WATCHED = """
import atexit, runpy, sys
atexit.register(lambda: print(sorted(
    name for name, module in sys.modules.items()
    if module and name.split(".")[0] in ("keras", "tf_keras", "tfzoo", "tensorflow_text")
)))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
SLOW = 300_000  # passes of a loop: about a second


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """A server with a token that says at its end what it had imported; `[]` of lines so far."""
    folder = tmp_path_factory.mktemp("process")
    save_slow(folder / "slow/1")
    settings = {"bundles": [str(folder / "slow")], "rest_port": 0, "grpc_port": 0}
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", WATCHED, str(PROGRAM), json.dumps(settings)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TFZOO_TOKEN": "s3cret"},
    )
    yield process
    process.kill()
    process.wait()


def save_slow(folder):
    import tensorflow as tf

    class Slow(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "passes")], autograph=False)
        def wait(self, passes):
            count = tf.while_loop(lambda i: i < passes[0], lambda i: [i + 1], [tf.constant(0)])
            return {"count": count[0] + 0 * passes}

    bundles.save(Slow(), folder, ["wait"])


def test_a_process_of_its_own(process):
    assert process.stdout.readline() == "loading slow/1 ...\n"
    line = process.stdout.readline()
    assert line.startswith("Serving on http://127.0.0.1:")
    address = line.split()[2]
    client = httpx.Client(base_url=address, headers={"Authorization": "Bearer s3cret"}, timeout=60)
    path = "/v1/models/slow:predict"
    # Who has no token, or another, gets to the health of the server alone.
    for headers in ({}, {"Authorization": "Bearer secret"}, {"Authorization": "Basic s3cret"}):
        refused = httpx.post(address + path, json={"inputs": [3]}, headers=headers)
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert httpx.get(f"{address}/metrics", headers=headers).status_code == 401
    assert httpx.get(f"{address}/healthz").status_code == 200
    assert client.post(path, json={"inputs": [3]}).json() == {"outputs": [3]}

    # SIGTERM comes while a request is computed: it is answered, and then the process ends.
    answers = []
    sender = threading.Thread(
        target=lambda: answers.append(client.post(path, json={"inputs": [SLOW]}))
    )
    sender.start()
    while not is_computing(client):
        pass
    process.send_signal(signal.SIGTERM)
    sender.join()
    assert answers[0].json() == {"outputs": [SLOW]}
    assert process.wait(30) == 0
    *_, stopped, modules = process.stdout.read().splitlines()
    assert stopped == "Stopped."
    imported = json.loads(modules.replace("'", '"'))
    assert "tfzoo.serving.server" in imported
    assert all(name == "tfzoo" or name.startswith("tfzoo.serving") for name in imported)


def test_who_has_no_answer_when_the_time_is_over_is_told_so(tmp_path):
    save_slow(tmp_path / "slow/1")
    settings = {"bundles": [str(tmp_path / "slow")], "rest_port": 0, "grpc_port": 0}
    process = subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM), json.dumps({**settings, "drain_seconds": 0.5})],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    answers = []
    try:
        assert process.stdout.readline() == "loading slow/1 ...\n"
        client = httpx.Client(base_url=process.stdout.readline().split()[2], timeout=60)
        body = {"inputs": [1000 * SLOW]}
        sender = threading.Thread(
            target=lambda: answers.append(client.post("/v1/models/slow:predict", json=body))
        )
        sender.start()
        while "tfzoo_batch_rows_count 1.0" not in client.get("/metrics").text:
            pass
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=30)
        sender.join()
    finally:
        process.kill()
    assert answers[0].status_code == 503
    assert answers[0].json()["error"].startswith("The server stops before there is an answer")
    assert (process.returncode, out) == (0, "Stopped.\n")
    assert "Traceback" not in errors


def is_computing(client):
    """Two calls have begun: the one before, and the one that takes long."""
    lines = client.get("/metrics").text.splitlines()
    return "tfzoo_batch_rows_count 2.0" in lines


def run(arguments, monkeypatch):
    """What `tfzoo serve` would become."""
    became = []
    monkeypatch.setattr(sys, "argv", ["tfzoo", "serve", *map(str, arguments)])
    monkeypatch.setattr(command.os, "execv", lambda *program: became.append(program))
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, became


def test_the_command_becomes_the_server(monkeypatch):
    monkeypatch.delenv("TFZOO_TOKEN", raising=False)
    options = ["--rest-port", 0, "--batch-wait", 0.01, "--token", "s3cret"]
    code, [(executable, arguments)] = run(["a", "b=c", *options], monkeypatch)
    assert code == 0 and executable == sys.executable
    assert arguments[1:3] == ["-P", str(PROGRAM)]
    settings = json.loads(arguments[3])
    assert settings["bundles"] == ["a", "b=c"]
    assert (settings["rest_port"], settings["batch_wait"]) == (0, 0.01)
    assert settings["host"] == "127.0.0.1"
    # Everybody on a machine can see the arguments of a process.
    assert "s3cret" not in "".join(arguments) and os.environ["TFZOO_TOKEN"] == "s3cret"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a", "--num-threads", 0], "`num_threads` must be above 0; received 0."),
        (["a", "--timeout", -1], "`timeout` must be above 0; received -1.0."),
        (["a", "--timeout", "nan"], "`timeout` must be above 0; received nan."),
        (["a", "--timeout", "inf"], "`timeout` must be finite; received inf."),
        (["a", "--rest-port", -1], "`rest_port` must be 0 or more; received -1."),
        (["a", "--grpc-port", 65536], "`grpc_port` must be 65535 at most; received 65536."),
    ],
)
def test_what_is_wrong_is_said(monkeypatch, capsys, arguments, sentence):
    code, became = run(arguments, monkeypatch)
    assert code == 2 and not became
    assert sentence in capsys.readouterr().err


def test_missing_packages_are_named(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "grpc" else name)
    assert run(["a"], monkeypatch) == (2, [])
    assert "needs grpcio: run `pip install 'tfzoo[serve]'`" in capsys.readouterr().err
