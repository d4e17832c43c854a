"""A server as a process of its own, and clients that ask it."""

import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

COMMAND = [sys.executable, "-c", "from tfzoo.cli import main; main()", "serve"]


class Server:
    """`tfzoo serve`, running.

    Args:
        address: host and port of HTTP.
        pid: of the process.
    """

    def __init__(self, address, pid):
        self.address, self.pid = address, pid

    def connect(self):
        return http.client.HTTPConnection(self.address, timeout=600)

    def memory(self):
        """Bytes that the process holds."""
        with open(f"/proc/{self.pid}/status") as file:
            line = next(line for line in file if line.startswith("VmRSS"))
        return 1024 * int(line.split()[1])


@contextlib.contextmanager
def serving(*bundles, **options):
    """Starts a server on free ports, and stops it when the context ends."""
    options = {"rest_port": 0, "grpc_port": 0, "timeout": 600, **options}
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [*COMMAND, *map(str, bundles), *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        line = next((line for line in process.stdout if line.startswith("Serving on ")), None)
        if line is None:
            raise RuntimeError("The server did not start; what it said stands above.")
        yield Server(urllib.parse.urlparse(line.split()[2]).netloc, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def post(connection, path, body):
    """The status and the JSON of an answer."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    connection.request("POST", path, content, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def load(server, path, bodies, num_clients, seconds):
    """Clients that each send one request after the other; seconds of each, and of all."""

    def client(number):
        connection, sent = server.connect(), number
        while time.perf_counter() < end or not latencies[number]:
            start = time.perf_counter()
            status, answer = post(connection, path, bodies[sent % len(bodies)])
            latencies[number].append(time.perf_counter() - start)
            assert status == 200, answer
            sent += num_clients

    latencies = [[] for _ in range(num_clients)]
    start = time.perf_counter()
    end = start + seconds
    threads = [threading.Thread(target=client, args=[number]) for number in range(num_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for each in latencies for one in each], time.perf_counter() - start


def row(name, clients, latencies, seconds, bare):
    """Cells of a table: requests per second, how many times the bare call's, p50 and p99."""
    rate = len(latencies) / seconds
    p50, p99 = statistics.median(latencies), sorted(latencies)[int(0.99 * len(latencies))]
    return [
        name,
        str(clients),
        f"{rate:,.1f}",
        f"{rate / bare:.2f}",
        f"{1000 * p50:,.1f}",
        f"{1000 * p99:,.1f}",
    ]
