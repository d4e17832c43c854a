"""Work that need not wait for the next step, nor the next step for it."""

import concurrent.futures


class Beside:
    """Runs one call at a time in another thread. What goes wrong there is raised here, a bit later.

    Inside a `with` block; at its end the last call is waited for.
    """

    def __init__(self):
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self._call = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._thread.shutdown()

    def start(self, function, *arguments) -> None:
        """Starts a call, after the one before has ended."""
        self.finish()
        self._call = self._thread.submit(function, *arguments)

    def check(self) -> None:
        """Raises what the last call raised, if it has ended."""
        if self._call is not None and self._call.done():
            self.finish()

    def finish(self) -> None:
        """Waits for the last call, and raises what it raised."""
        call, self._call = self._call, None
        if call is not None:
            call.result()
