"""The socket on which HTTP is heard."""

import socket

from tfzoo.serving.settings import Settings


def listen(settings: Settings) -> socket.socket:
    """A socket bound to `host` and `rest_port`.

    Raises:
        OSError: if the port is taken, or the host is another.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named, asyncio sends at once; without, answers wait 40 ms for the client.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.rest_port))
    except OSError as error:
        listening.close()
        place = f"{settings.host}:{settings.rest_port}"
        raise OSError(
            f"`rest_port` must be free and `host` this machine's; {place}: {error}."
        ) from None
    return listening
