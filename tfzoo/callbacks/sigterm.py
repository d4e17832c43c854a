"""What a machine says before it is taken away."""

import signal
import threading


class Sigterm:
    """Notes SIGTERM instead of dying of it, inside a `with` block.

    Python lets only the main thread listen; in another one nothing changes.
    """

    def __init__(self):
        self.has_come = False
        self._handler = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGTERM, self._hear)
        return self

    def __exit__(self, *error):
        if self._handler is not None:
            signal.signal(signal.SIGTERM, self._handler)

    def _hear(self, number, frame):
        self.has_come = True
