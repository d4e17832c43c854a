"""Requests that can share a call of the model do."""

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import logging

import numpy as np

from tfzoo.serving.refusal import Refusal, explain
from tfzoo.serving.settings import Settings
from tfzoo.serving.signature import Signature
from tfzoo.serving.version import Version

log = logging.getLogger("tfzoo.serving")

# What is padded to the longest of its batch is computed with texts of about its length. A call for
# nothing costs about what some bytes do: among short texts padding is cheaper than a call.
LENGTH_RATIO, FREE_BYTES = 1.25, 16


@dataclasses.dataclass(eq=False)
class Waiting:
    """A request in a group.

    Args:
        inputs: `{name: array}`.
        rows: of its inputs; 0 if they do not agree.
        length: that its rows are padded to, in bytes; 0 if they are not padded.
        answer: that will be.
    """

    inputs: dict
    rows: int
    length: int
    answer: asyncio.Future


class Batcher:
    """Computes requests in a few threads, those of the same kind together.

    A group is what may share a call: one version and signature, equal settings, rows of equal
    shape. A request that comes when its group is idle runs at once. Those that come meanwhile are
    computed when the call ends, the oldest and all of about its length together, so that under
    load batches grow by themselves; after a call for several, a group waits `settings.batch_wait`
    for their senders to come again.

    Args:
        settings: the limits.
        metrics: is told the size of each batch.
    """

    def __init__(self, settings: Settings, metrics):
        self._settings, self._metrics = settings, metrics
        self._threads = concurrent.futures.ThreadPoolExecutor(settings.num_threads, "tensorflow")
        self._slots = asyncio.Semaphore(settings.num_threads)
        self._groups: dict = {}
        self._num_alone = 0
        self._scopes: set[asyncio.Timeout] = set()  # of all requests that wait for an answer
        self._running: set[concurrent.futures.Future] = set()
        self._has_given_up = False
        self._tasks: set = set()  # the loop itself holds them weakly
        metrics.queue.set_function(lambda: self.num_waiting)

    @property
    def num_waiting(self) -> int:
        """Requests that no call has taken yet."""
        return self._num_alone + sum(len(group) for group in self._groups.values())

    async def run(self, version: Version, name: str, inputs: dict) -> dict[str, np.ndarray]:
        """Computes a signature, alone or with others.

        Args:
            version: that computes.
            name: of the signature.
            inputs: `{name: array}`, checked and whole.

        Raises:
            Refusal: 429 if too many wait, 504 if it takes too long, or what the model says.
        """
        self._admit()
        signature = version.signatures[name]
        sizes = {len(inputs[key]) for key in signature.rows}
        rows = sizes.pop() if len(sizes) == 1 else 0
        answer = asyncio.get_running_loop().create_future()
        request = Waiting(inputs, rows, padded_length(signature, inputs), answer)
        key = (version, name, kind(signature, inputs)) if rows else (version, name, request)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = collections.deque()
            self._tasks.add(task := asyncio.create_task(self._serve(key, group)))
            task.add_done_callback(self._tasks.discard)
        group.append(request)
        try:
            async with self._in_time():
                return await request.answer
        finally:
            if request in group:
                group.remove(request)

    async def run_alone(
        self, version: Version, name: str, inputs: dict, goes_on: bool = False
    ) -> dict[str, np.ndarray]:
        """Computes a signature by itself, as one does for a state that is handed on.

        Args:
            version: that computes.
            name: of the signature.
            inputs: `{name: array}`.
            goes_on: whether it is a later part of an answer: then the queue may be full.

        Raises:
            Refusal: 429 if too many wait, 504 if it takes too long, or what the model says.
        """
        if not goes_on or self._has_given_up:
            self._admit()
        try:
            async with self._in_time():
                await self._wait_alone()
                try:
                    return await self._in_thread(version.call, name, inputs)
                finally:
                    self._slots.release()
        except Exception as error:
            raise refusal(error) from error

    def give_up(self) -> None:
        """Tells all who wait, and all who come, that there will be no answer: 503."""
        self._has_given_up = True
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(0)

    def close(self) -> bool:
        """Ends the threads when what they compute is done; returns whether they still compute."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        return any(future.running() for future in tuple(self._running))

    @contextlib.asynccontextmanager
    async def _in_time(self):
        try:
            async with asyncio.timeout(self._settings.timeout) as scope:
                self._scopes.add(scope)
                try:
                    yield
                finally:
                    self._scopes.discard(scope)
        except TimeoutError:
            raise self._stopped() if self._has_given_up else self._late() from None

    def _admit(self):
        if self._has_given_up:
            raise self._stopped()
        if self.num_waiting >= self._settings.max_queue:
            raise Refusal(
                429, f"{self._settings.max_queue} requests wait already: try again later."
            )

    async def _wait_alone(self):
        self._num_alone += 1
        try:
            await self._slots.acquire()
        finally:
            self._num_alone -= 1

    async def _serve(self, key, group):
        """Computes a group, batch by batch, until nobody waits in it."""
        version, name, _ = key
        try:
            while group:
                async with self._slots:
                    batch = self._take(group)
                    if not batch:  # all gave up before it was their turn
                        continue
                    self._metrics.batch_size.observe(sum(request.rows for request in batch))
                    answers = await self._in_thread(compute, version, name, batch)
                for request, answer in zip(batch, answers, strict=True):
                    settle(request.answer, answer)
                if len(batch) > 1 and len(group) < self._settings.max_batch_size:
                    await asyncio.sleep(self._settings.batch_wait)
        finally:
            del self._groups[key]

    def _take(self, group):
        """The oldest of a group, and those of about its length that fit into the same call."""
        batch, rows = [], 0
        for request in tuple(group):
            if not fit(group[0].length, request.length):
                continue
            if batch and rows + request.rows > self._settings.max_batch_size:
                break
            batch.append(request)
            rows += request.rows
        for request in batch:
            group.remove(request)
        return batch

    def _in_thread(self, function, *arguments):
        future = self._threads.submit(function, *arguments)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return asyncio.wrap_future(future)

    def _stopped(self):
        return Refusal(
            503, "The server stops before there is an answer: send the request again later."
        )

    def _late(self):
        return Refusal(
            504, f"There was no answer in {self._settings.timeout:g} s: try again later."
        )


def kind(signature: Signature, inputs: dict):
    """Equal for requests that may share a call; an object of its own if none may."""
    if not signature.keeps_rows_apart or signature.draws(inputs):
        return object()
    settings = [(key, inputs[key].shape, content(inputs[key])) for key in signature.settings]
    shapes = [(key, inputs[key].shape[1:]) for key in signature.rows]
    return tuple(settings), tuple(shapes)


def padded_length(signature: Signature, inputs: dict) -> int:
    """Bytes of the longest text; 0 where a call costs what it writes, not what it reads."""
    if signature.writes:
        return 0
    texts = [inputs[key].ravel() for key in signature.rows if inputs[key].dtype == object]
    return max((len(text) for array in texts for text in array), default=0)


def fit(length: int, other: int) -> bool:
    """Whether texts of so many bytes may share a call."""
    return max(length, other) <= LENGTH_RATIO * min(length, other) + FREE_BYTES


def content(array):
    """What an array holds, to compare."""
    return tuple(array.ravel().tolist()) if array.dtype == object else array.tobytes()


def compute(version, name, batch):
    """Answers of a batch in its order: arrays, or the `Refusal` that a request earned alone."""
    try:
        return call(version, name, batch)
    except Exception as error:
        if len(batch) == 1:
            return [refusal(error)]
    # Somebody's input fails: who, is found by halves.
    middle = len(batch) // 2
    return compute(version, name, batch[:middle]) + compute(version, name, batch[middle:])


def call(version, name, batch):
    """One call for all; the first row stands in for rows that only fill the batch."""
    signature = version.signatures[name]
    inputs = dict(batch[0].inputs)
    total = sum(request.rows for request in batch)
    apart = total and signature.keeps_rows_apart and not signature.draws(inputs)
    # XLA compiles for each size it meets, which takes seconds: few sizes then, the powers of two.
    filling = (
        (1 << (total - 1).bit_length()) - total if apart and version.description.compiled else 0
    )
    for key in signature.rows if len(batch) > 1 or filling else ():
        rows = [request.inputs[key] for request in batch]
        inputs[key] = np.concatenate([*rows, np.repeat(rows[0][:1], filling, axis=0)])
    outputs = version.call(name, inputs)
    if len(batch) == 1 and not filling:
        return [outputs]
    for key, value in outputs.items():
        if len(value) != total + filling:
            raise ValueError(f"output {key!r} of {name!r} has {len(value)} rows, not {total}")
    ends = np.cumsum([request.rows for request in batch])
    return [
        {key: value[end - request.rows : end] for key, value in outputs.items()}
        for request, end in zip(batch, ends, strict=True)
    ]


def refusal(error):
    """What the client is told; the log keeps what is the server's own fault."""
    told = explain(error)
    if told.status == 500:
        log.error("a call failed", exc_info=error)
    return told


def settle(future, answer):
    """Gives an answer to a request that still waits for it."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
