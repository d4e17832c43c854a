"""Requests that wait together are computed together, and each gets its own answer."""

import asyncio
import collections
import threading

import numpy as np
import pytest
import tensorflow as tf

from tfzoo.serving.batcher import Batcher
from tfzoo.serving.metrics import Metrics
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.settings import Settings
from tfzoo.serving.signature import Description, Signature, Spec

PRODUCT = Spec("y", tf.int32, (None,))
ROWS = Spec("x", tf.int32, (None,))
FACTOR = Spec("factor", tf.int32, ())


class Version:
    """Multiplies; its first call waits for `gate`, and numbers above 100 fail.

    Args:
        outputs: specs of outputs, by which requests can be joined or not.
        inputs: besides x and factor.
        compiled: whether it says that XLA compiles it.
    """

    def __init__(self, outputs=(PRODUCT,), inputs=(), compiled=False):
        specs = {spec.name: spec for spec in (ROWS, FACTOR, *inputs)}
        signature = Signature("multiply", specs, {spec.name: spec for spec in outputs})
        self.signatures = {"multiply": signature}
        self.description = Description(self.signatures, "multiply", {}, None, (), compiled)
        self.gate, self.calls = threading.Event(), []

    def call(self, name, inputs):
        self.calls.append(inputs["x"].tolist())
        if len(self.calls) == 1:
            self.gate.wait()
        if np.any(inputs["x"] > 100):
            raise tf.errors.InvalidArgumentError(None, None, "assertion failed: [Too large.] [x]")
        return {"y": inputs["x"] * inputs["factor"]}


def computed(version, requests, first=None, **settings):
    """Sends requests while the first, of x = [0], is being computed; all answers or refusals."""

    async def run():
        settings.setdefault("num_threads", 1)
        batcher = Batcher(Settings(("none",), **settings), Metrics(list))

        async def send(x, factor=2, **more):
            inputs = {"x": np.int32(x), "factor": np.int32(factor), **more}
            try:
                return (await batcher.run(version, "multiply", inputs))["y"].tolist()
            except Refusal as refusal:
                return refusal.status, refusal.sentence

        tasks = [asyncio.create_task(send([0], **first or {}))]
        while not version.calls:
            assert not tasks[0].done()
            await asyncio.sleep(0.001)
        tasks += [asyncio.create_task(send(**request)) for request in requests]
        await asyncio.sleep(0.01)
        await asyncio.sleep(4 * settings.get("timeout", 0))
        version.gate.set()
        answers = await asyncio.gather(*tasks)
        assert batcher.num_waiting == 0
        batcher.close()
        return answers[1:]

    return asyncio.run(run())


def test_requests_that_wait_are_computed_together():
    version = Version()
    answers = computed(version, [dict(x=[1]), dict(x=[2, 3]), dict(x=[4])])
    assert answers == [[2], [4, 6], [8]]
    assert version.calls == [[0], [1, 2, 3, 4]]


def test_other_settings_are_computed_apart():
    version = Version()
    requests = [dict(x=[1]), dict(x=[2], factor=3), dict(x=[3]), dict(x=[4], factor=3)]
    assert computed(version, requests) == [[2], [6], [6], [12]]
    assert collections.Counter(map(tuple, version.calls)) == {(0,): 1, (1, 3): 1, (2, 4): 1}


def test_a_batch_has_a_largest_size():
    version = Version()
    requests = [dict(x=[1, 1]), dict(x=[2, 2]), dict(x=[3, 3]), dict(x=[4])]
    answers = computed(version, requests, max_batch_size=5)
    assert answers == [[2, 2], [4, 4], [6, 6], [8]]
    assert version.calls == [[0], [1, 1, 2, 2], [3, 3, 4]]


@pytest.mark.parametrize(
    ("inputs", "calls"),
    [
        # 900 and 740 bytes are padded to about the same; to pad 20 to 40 costs less than a call.
        ([], [[1, 4], [2, 5, 6], [3]]),
        # What is written costs the same whatever was read.
        ([Spec("max_new_tokens", tf.int32, ())], [[1, 2, 3, 4, 5, 6]]),
    ],
)
def test_texts_of_about_one_length_are_computed_together(inputs, calls):
    version = Version(inputs=[Spec("text", tf.string, (None,)), *inputs])
    more = {spec.name: np.int32(3) for spec in inputs}

    def texts(*lengths):
        return np.array([b"a" * length for length in lengths], object)

    requests = [
        dict(x=[number], text=texts(length), **more)
        for number, length in enumerate([900, 20, 300, 740, 40, 30], start=1)
    ]
    assert computed(version, requests, {"text": texts(0), **more}) == [
        [2],
        [4],
        [6],
        [8],
        [10],
        [12],
    ]
    assert version.calls[1:] == calls


def test_who_fails_fails_alone():
    version = Version()
    answers = computed(version, [dict(x=[n]) for n in (1, 2, 101, 3, 4)])
    refused = (400, "The model refuses this input: Too large.")
    assert answers == [[2], [4], refused, [6], [8]]


@pytest.mark.parametrize(
    "version",
    [
        Version(outputs=[Spec("y", tf.int32, (None, None))]),  # as wide as the widest row
        Version(outputs=[Spec("y", tf.int32, ())]),
        Version(inputs=[Spec("seed", tf.int32, ())]),  # drawn numbers depend on the batch
    ],
)
def test_what_others_would_change_is_computed_alone(version):
    assert computed(version, [dict(x=[1]), dict(x=[2])]) == [[2], [4]]
    assert version.calls == [[0], [1], [2]]


@pytest.mark.parametrize(("temperature", "calls"), [(0.0, [[1, 2]]), (0.5, [[1], [2]])])
def test_without_temperature_nothing_is_drawn(temperature, calls):
    version = Version(inputs=[Spec("seed", tf.int32, ()), Spec("temperature", tf.float32, ())])
    more = dict(seed=np.int32(1), temperature=np.float32(temperature))
    computed(version, [dict(x=[1], **more), dict(x=[2], **more)])
    assert version.calls[1:] == calls


def test_rows_of_unequal_inputs_are_left_to_the_model():
    version = Version(inputs=[Spec("z", tf.int32, (None,))])
    two = np.int32([1, 2])
    computed(version, [dict(x=[1], z=two), dict(x=[2], z=two), dict(x=[3], z=two[:1])], dict(z=two))
    assert version.calls[1:] == [[1], [2], [3]]


def test_what_xla_compiles_meets_few_sizes():
    version = Version(compiled=True)
    assert computed(version, [dict(x=[1]), dict(x=[2, 3]), dict(x=[5, 7])]) == [
        [2],
        [4, 6],
        [10, 14],
    ]
    assert version.calls == [[0], [1, 2, 3, 5, 7, 1, 1, 1]]


def test_the_queue_has_an_end():
    answers = computed(Version(), [dict(x=[n]) for n in range(1, 5)], max_queue=3)
    assert answers[:3] == [[2], [4], [6]]
    assert answers[3] == (429, "3 requests wait already: try again later.")


def test_a_stream_begins_only_where_the_queue_has_room():
    version = Version()

    async def run():
        batcher = Batcher(Settings(("none",), num_threads=1, max_queue=1), Metrics(list))
        inputs = {"x": np.int32([1]), "factor": np.int32(2)}

        def start(**more):
            return asyncio.create_task(batcher.run_alone(version, "multiply", inputs, **more))

        running = start()
        while not version.calls:
            await asyncio.sleep(0.001)
        waiting, goes_on = start(), start(goes_on=True)
        await asyncio.sleep(0.01)
        assert batcher.num_waiting == 2
        with pytest.raises(Refusal, match="1 requests wait already"):
            await start()
        version.gate.set()
        for task in (running, waiting, goes_on):
            assert (await task)["y"].tolist() == [2]
        assert batcher.num_waiting == 0

    asyncio.run(run())


def test_who_waits_too_long_is_told_and_not_computed():
    version = Version()
    answers = computed(version, [dict(x=[1])], timeout=0.05)
    assert answers == [(504, "There was no answer in 0.05 s: try again later.")]
    assert version.calls == [[0]]


def test_who_gives_up_before_it_is_their_turn_leaves_the_way_free():
    version = Version()

    async def run():
        batcher = Batcher(Settings(("none",), num_threads=1), Metrics(list))

        def send(x, factor):
            inputs = {"x": np.int32([x]), "factor": np.int32(factor)}
            return asyncio.create_task(batcher.run(version, "multiply", inputs))

        first = send(0, factor=2)
        while not version.calls:
            await asyncio.sleep(0.001)
        # Of another kind, so it waits for a thread and not for the first: and leaves.
        second = send(1, factor=3)
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.sleep(0.01)
        version.gate.set()
        assert (await first)["y"].tolist() == [0]
        async with asyncio.timeout(5):
            assert (await send(2, factor=3))["y"].tolist() == [6]
        assert batcher.num_waiting == 0
        batcher.close()

    asyncio.run(run())
    assert version.calls == [[0], [2]]


def test_after_company_a_batch_waits_for_those_who_come_again():
    version = Version()
    version.gate.set()

    async def run():
        batcher = Batcher(Settings(("none",), num_threads=1, batch_wait=0.2), Metrics(list))

        async def send(x):
            inputs = {"x": np.int32([x]), "factor": np.int32(1)}
            return (await batcher.run(version, "multiply", inputs))["y"].tolist()

        await send(0)
        start = asyncio.get_running_loop().time()
        await send(1)
        assert asyncio.get_running_loop().time() - start < 0.15  # alone, nobody waits
        await asyncio.gather(send(2), send(3))

        async def later(x, seconds):
            await asyncio.sleep(seconds)
            return await send(x)

        assert await asyncio.gather(later(4, 0), later(5, 0.05)) == [[4], [5]]

    asyncio.run(run())
    assert version.calls == [[0], [1], [2, 3], [4, 5]]


def test_who_waits_when_it_gives_up_is_told_so():
    version = Version()
    inputs = {"x": np.int32([3]), "factor": np.int32(2)}

    async def run():
        batcher = Batcher(Settings(("none",), num_threads=1), Metrics(list))
        one = (version, "multiply", inputs)
        calls = batcher.run(*one), batcher.run(*one), batcher.run_alone(*one)
        tasks = [asyncio.create_task(call) for call in calls]
        while not version.calls:
            await asyncio.sleep(0.001)
        batcher.give_up()
        later = batcher.run(*one), batcher.run_alone(*one, goes_on=True)
        answers = await asyncio.gather(*tasks, *later, return_exceptions=True)
        computes = batcher.close()
        version.gate.set()
        return answers, computes

    answers, computes = asyncio.run(run())
    assert [answer.status for answer in answers] == [503] * 5
    assert "send the request again later" in answers[0].sentence
    # The first was being computed all the time; the others never were.
    assert computes and version.calls == [[3]]
