"""All workers wait until all are there; TensorFlow alone would wait for ever, and name nobody."""

import socket
import time

POLL_SECONDS = 0.2


def wait_for_all(hosts, timeout):
    """Returns once every other worker listens at its address; meanwhile this one does.

    Args:
        hosts: `Hosts`.
        timeout: float, seconds.

    Raises:
        TimeoutError: names the workers that did not come.
        OSError: the port of this worker is taken.
    """
    missing = dict(hosts.others)
    deadline = time.monotonic() + timeout
    with _listening(hosts):
        while missing:
            missing = {i: address for i, address in missing.items() if not listens(address)}
            if missing and time.monotonic() > deadline:
                names = ", ".join(f"worker {i} at {address}" for i, address in missing.items())
                raise TimeoutError(
                    f"All {len(hosts.addresses)} workers must come within {timeout:g} seconds; "
                    f"still missing: {names}. Look whether they run, and whether their addresses "
                    "can be reached from here; or wait longer with `timeout`."
                )
            time.sleep(POLL_SECONDS if missing else 0)


def _listening(hosts):
    port = int(hosts.address.rpartition(":")[2])
    try:
        return socket.create_server(("", port), backlog=len(hosts.addresses) * 64)
    except OSError as error:
        raise OSError(
            f"Worker {hosts.index} must listen at {hosts.address}; received: {error.strerror}. "
            "Give it another port, or end the process that has this one."
        ) from None


def listens(address):
    """Whether somebody takes connections at "host:port"."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=2):
            return True
    except OSError:
        return False
