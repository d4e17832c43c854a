"""`tfzoo serve --engine ray`: the same answers from two processes, and nothing left behind."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc
import httpx
import pytest
import tensorflow as tf
import yaml

import tfzoo
from tests.serving import bundles
from tests.serving.test_process import PROGRAM, SLOW, run, save_slow
from tfzoo.serving.settings import Scaling

HOUSE = pathlib.Path(tfzoo.__file__).parent.parent
TOKEN = "s3cret-of-the-test"


class Processes:
    """A command that starts Ray, and all processes of its session."""

    def __init__(self, folder, *command):
        self.temporary = tempfile.mkdtemp(prefix="ray")  # a socket's path has 107 bytes at most
        environment = {"TFZOO_TOKEN": TOKEN, "TMPDIR": self.temporary}
        path = os.pathsep.join(filter(None, [str(HOUSE), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, **environment, "PYTHONPATH": path},
        )
        self.lines = []

    def read_until(self, beginning):
        """Lines up to one that begins like this, which is returned; None at the end."""
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith(beginning):
                return line

    def alive(self, name=""):
        """Numbers of the processes whose command begins with a name."""
        found = []
        for place in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                state, _, _, session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
                ours = int(session) == self.process.pid and state != "Z"
                if ours and (place / "cmdline").read_bytes().startswith(name.encode()):
                    found.append(int(place.name))
            except OSError:  # it ended while one looks
                continue
        return found

    def kill(self):
        for number in self.alive():
            os.kill(number, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.temporary, ignore_errors=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ray")
    bundles.save_arithmetic(folder / "sums/1", offset=0.5)
    bundles.save_writer(folder / "letters/1")
    save_slow(folder / "slow/1")
    return folder


@pytest.fixture(scope="module")
def server(folder):
    command = "from tfzoo.cli import main; main()"
    arguments = "serve --engine ray sums letters slow --replicas 2 --rest-port 0".split()
    processes = Processes(folder, "-c", command, *arguments)
    yield processes
    processes.kill()


@pytest.fixture(scope="module")
def client(server):
    line = server.read_until("Serving on http://127.0.0.1:")
    assert line, "".join(server.lines)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=line.split()[2], headers=headers, timeout=60) as client:
        yield client


def test_values_are_those_of_the_saved_model(client, folder):
    scale = tf.saved_model.load(str(folder / "sums/1")).signatures["scale"]
    for rows in ([[1, 2, 3]], [[0.25, -7, 11], [5, 0, 2]]):
        expected = scale(x=tf.constant(rows, tf.float32), factor=tf.constant(3.0))["y"]
        body = {"inputs": {"x": rows, "factor": 3}}
        answer = client.post("/v1/models/sums:predict", json=body).json()
        assert answer == {"outputs": expected.numpy().tolist()}


def test_a_text_comes_piece_by_piece(client):
    body = {"model": "letters", "prompt": "a", "max_tokens": 5, "stream": True}
    with client.stream("POST", "/v1/completions", json=body) as answer:
        events = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert answer.headers["content-type"].startswith("text/event-stream")
    pieces = [json.loads(event)["choices"][0]["text"] for event in events[:-1]]
    assert events[-1] == "[DONE]" and len(pieces) > 2
    assert "".join(pieces) == bundles.continuation("a", 5)


def test_what_is_wrong_is_said(client):
    answer = client.post("/v1/models/sums:predict", json={"inputs": {"x": [[1, 2]]}})
    assert answer.status_code == 400 and answer.json()["error"].startswith("Input x float32")
    assert client.get("/v1/models/nothing").status_code == 404
    address = client.base_url
    for headers in ({}, {"Authorization": "Bearer other"}):
        refused = httpx.get(f"{address}/v1/models", headers=headers)
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
    for path in ("/healthz", "/readyz"):
        assert httpx.get(f"{address}{path}").status_code == 200


def test_two_processes_answer_and_are_counted_together(client, server):
    replicas = server.alive("ray::ServeReplica")
    assert len(replicas) == 2
    for number in range(20):
        client.post("/v1/models/sums:predict", json={"inputs": [[number, 0, 1]]})
    path = 'method="/v1/models/{name}:predict"'
    lines = [line for line in client.get("/metrics").text.splitlines() if path in line]
    counts = [line for line in lines if line.startswith('tfzoo_requests_total{code="200"')]
    names = {line.split('replica="')[1].split('"')[0] for line in counts}
    assert len(names) == 2  # each has answered some of them
    assert sum(float(line.split()[-1]) for line in counts) >= 20


def test_no_replica_has_imported_the_models(client, server):
    library = "tokenizers.abi3.so"  # what they import maps it
    assert library in pathlib.Path("/proc/self/maps").read_text()
    for number in server.alive("ray::ServeReplica"):
        maps = pathlib.Path(f"/proc/{number}/maps").read_text()
        assert "tensorflow" in maps and library not in maps


def test_nobody_is_heard_from_elsewhere(client, server):
    """Ray gives each replica a port of all addresses: without the secret it answers nobody."""
    replicas = server.alive("ray::ServeReplica")
    open_ports = {n: listening(n, loopback=False) for n in server.alive()}
    assert {n for n, ports in open_ports.items() if ports} <= set(replicas)
    port = int(str(client.base_url).rpartition(":")[2])
    assert [n for n in server.alive() if port in listening(n)] == server.alive("ray::Proxy")
    for number in replicas:
        for port in open_ports[number]:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                call = channel.unary_unary("/ray.serve.ASGIService/HandleRequest")
                with pytest.raises(grpc.RpcError) as refused:
                    call(b"", timeout=10)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def listening(number, loopback=True):
    """Ports of a process, on addresses of this machine alone or of others."""
    links = [os.readlink(link) for link in pathlib.Path(f"/proc/{number}/fd").iterdir()]
    rows = []
    for table in ("tcp", "tcp6"):
        rows += pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    rows = [row.split() for row in rows]
    heard = [row[1].split(":") for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in links]
    # 127.0.0.1 as the kernel writes it, the last byte first; in IPv6 it is the end.
    return [int(port, 16) for address, port in heard if address.endswith("0100007F") == loopback]


def test_at_the_end_who_waits_is_answered_and_nothing_stays(client, server):
    """The last of the server: it stops it."""
    answers, before = [], num_calls(client)
    body = {"inputs": [SLOW]}
    sender = threading.Thread(
        target=lambda: answers.append(client.post("/v1/models/slow:predict", json=body))
    )
    sender.start()
    while num_calls(client) == before:
        time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    rest = server.process.communicate(timeout=60)[0]
    sender.join()
    assert answers[0].json() == {"outputs": [SLOW]}
    assert server.process.returncode == 0
    assert rest.splitlines()[-1] == "Stopped." and "Traceback" not in rest
    assert server.alive() == [] and os.listdir(server.temporary) == []


def num_calls(client):
    """Calls of models that have begun, in all replicas."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if "tfzoo_batch_rows_count{" in line)


def test_a_bundle_that_cannot_be_served_is_said(tmp_path):
    settings = json.dumps({"bundles": ["nowhere"], "rest_port": 0})
    processes = Processes(tmp_path, "-P", str(PROGRAM), settings, "{}")
    try:
        said = processes.process.communicate(timeout=300)[0]
        assert processes.process.returncode == 2
        assert "Error: `bundles` must be folders with numbered SavedModels" in said.splitlines()[-1]
        assert processes.alive() == [] and os.listdir(processes.temporary) == []
    finally:
        processes.kill()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--replicas", 2], "`--replicas` must come with `--engine ray`; received `uvicorn`."),
        (["--engine", "ray", "--grpc-port", 1], "`--grpc-port` is of `--engine uvicorn`: Ray"),
        (["--engine", "ray", "--replicas", 0], "`replicas` must be above 0; received 0."),
        (
            ["--engine", "ray", "--replicas", 3, "--max-replicas", 2],
            "`max_replicas` must be `replicas`, 3, or more; received 2.",
        ),
        (
            ["--engine", "ray", "--target-ongoing-requests", 2],
            "must be above 0, and come with `max_replicas`; received 2.0 and None.",
        ),
    ],
)
def test_options_that_do_not_apply_are_refused(monkeypatch, capsys, arguments, sentence):
    assert run(["a", *arguments], monkeypatch) == (2, [])
    assert sentence in " ".join(capsys.readouterr().err.split())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray about its own classes
def test_the_file_for_a_cluster_is_what_ray_reads():
    from ray.serve import schema

    from tfzoo.serving import ray_engine

    config = yaml.safe_load((HOUSE / "scripts/deploy/ray.yaml").read_text())
    read = schema.ServeDeploySchema.model_validate(config)
    [one] = read.applications
    assert one.import_path == "tfzoo.serving.ray_engine:application"
    built = ray_engine.application(one.args)
    [settings] = built._bound_deployment.init_args
    assert settings["bundles"] == ["model=/bundles/model"]
    assert [deployment.name for deployment in one.deployments] == [built._bound_deployment.name]
    assert (read.http_options.host, read.http_options.port) == ("127.0.0.1", 8501)
    with pytest.raises(ValueError, match="`rest_port` must not be among `args`: it is `port` of"):
        ray_engine.application({**one.args, "rest_port": 1})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_replicas_share_the_gpus():
    from tfzoo.serving.ray_server import options

    shares = [
        options(Scaling(replicas), num_gpus)["ray_actor_options"]["num_gpus"]
        for replicas, num_gpus in ((1, 1), (2, 1), (3, 2), (2, 4))
    ]
    assert shares == [1, 1 / 2, 1 / 2, 1]  # of 2 GPUs, one has two replicas
    assert "num_gpus" not in options(Scaling(2))["ray_actor_options"]
    scaled = options(Scaling(2, max_replicas=4, target_ongoing_requests=3.0), 1)
    assert scaled["ray_actor_options"]["num_gpus"] == 1 / 4 and "num_replicas" not in scaled
    between = {"min_replicas": 2, "max_replicas": 4, "target_ongoing_requests": 3.0}
    assert scaled["autoscaling_config"] == between
