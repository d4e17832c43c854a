"""New versions take over while requests are answered, and none is lost."""

import asyncio
import concurrent.futures
import json
import shutil
import threading
import time

import pytest

from tests.serving import bundles
from tests.serving.conftest import running
from tfzoo.serving import model
from tfzoo.serving.server import serve
from tfzoo.serving.settings import Settings
from tfzoo.serving.version import Version


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def states(server, name="sums"):
    rows = server.http.get(f"/v1/models/{name}").json()["model_version_status"]
    return {row["version"]: row["state"] for row in rows}


def test_a_new_version_takes_over_under_load(tmp_path):
    folder = tmp_path / "sums"
    bundles.save_arithmetic(folder / "1", offset=100.0)
    with running(folder) as server, concurrent.futures.ThreadPoolExecutor(4) as threads:
        end, answers = threading.Event(), []

        def send(number):
            while not end.is_set():
                body = {"inputs": [[number, 0, 1]]}
                response = server.http.post("/v1/models/sums:predict", json=body)
                answers.append((number, response.status_code, response.json()))

        senders = [threads.submit(send, number) for number in range(4)]
        wait_for(lambda: len(answers) > 20)
        bundles.save_arithmetic(folder / "2", offset=200.0)
        wait_for(lambda: states(server) == {"2": "AVAILABLE"})
        count = len(answers)
        wait_for(lambda: len(answers) > count + 20)
        end.set()
        for sender in senders:
            sender.result()
        assert server.http.get("/v1/models/sums/versions/1").status_code == 404
    offsets = []
    for number, status, answer in answers:
        assert status == 200
        offset = answer["outputs"][0][1]
        assert answer["outputs"] == [[2 * number + offset, offset, 2 + offset]]
        offsets.append(offset)
    assert set(offsets) == {100.0, 200.0} and offsets[-1] == 200.0


def test_versions_side_by_side(tmp_path):
    folder = tmp_path / "sums"
    for number in (1, 2, 3):
        bundles.save_arithmetic(folder / str(number), offset=100.0 * number)
    with running(folder, num_versions=2) as server:
        assert states(server) == {"3": "AVAILABLE", "2": "AVAILABLE"}

        def answer(path):
            response = server.http.post(
                f"/v1/models/sums{path}:predict", json={"inputs": [[0] * 3]}
            )
            return response.json().get("outputs", response.status_code)

        assert answer("") == answer("/versions/3") == [[300.0] * 3]
        assert answer("/versions/2") == [[200.0] * 3]
        assert answer("/versions/1") == 404
        # A version whose folder goes leaves; the last one stays, whatever goes.
        shutil.rmtree(folder / "3")
        wait_for(lambda: "3" not in states(server))
        assert answer("") == [[200.0] * 3]
        shutil.rmtree(folder)
        time.sleep(0.3)
        assert answer("") == [[200.0] * 3]


def test_a_version_that_does_not_load_changes_nothing(tmp_path):
    folder = tmp_path / "sums"
    bundles.save_arithmetic(folder / "1", offset=100.0)
    with running(folder) as server:
        broken = tmp_path / "broken"
        shutil.copytree(folder / "1", broken)
        shutil.rmtree(broken / "variables")
        broken.rename(folder / "2")
        wait_for(lambda: states(server) == {"2": "END", "1": "AVAILABLE"})
        status = server.http.get("/v1/models/sums/versions/2").json()["model_version_status"][0]
        assert "2 cannot be loaded: " in status["status"]["error_message"]
        response = server.http.post("/v1/models/sums:predict", json={"inputs": [[0, 0, 0]]})
        assert response.json() == {"outputs": [[100.0, 100.0, 100.0]]}


def test_a_version_that_is_still_being_copied_is_tried_again(tmp_path):
    folder = tmp_path / "sums"
    bundles.save_arithmetic(folder / "1", offset=100.0)
    bundles.save_arithmetic(tmp_path / "whole", offset=200.0)
    with running(folder) as server:
        shutil.copytree(tmp_path / "whole", folder / "2", ignore=lambda *_: ["variables"])
        wait_for(lambda: states(server) == {"2": "END", "1": "AVAILABLE"})
        shutil.copytree(tmp_path / "whole" / "variables", folder / "2" / "variables")
        wait_for(lambda: states(server) == {"2": "AVAILABLE"})


def test_a_version_that_loads_is_seen(tmp_path, monkeypatch):
    folder, free = tmp_path / "sums", threading.Event()
    bundles.save_arithmetic(folder / "1")

    def slow(*arguments):
        free.wait(60)
        return Version(*arguments)

    with running(folder) as server:
        monkeypatch.setattr(model, "Version", slow)
        bundles.save_arithmetic(folder / "2")
        wait_for(lambda: states(server) == {"2": "LOADING", "1": "AVAILABLE"})
        free.set()
        wait_for(lambda: states(server) == {"2": "AVAILABLE"})


def test_a_server_stops_while_a_version_loads(tmp_path, monkeypatch):
    folder = tmp_path / "sums"
    bundles.save_arithmetic(folder / "1")
    free, loading, ended = threading.Event(), threading.Event(), []

    def slow(*arguments):
        loading.set()
        free.wait(60)
        return Version(*arguments)

    async def run():
        monkeypatch.setattr(model, "Version", slow)
        stop = asyncio.Event()
        settings = Settings((str(folder),), rest_port=0, grpc_port=0)
        serving = asyncio.create_task(serve(settings, stop, lambda *ports: None))
        while not loading.is_set():
            await asyncio.sleep(0.01)
        stop.set()
        async with asyncio.timeout(10):
            ended.append(await serving)
        free.set()

    asyncio.run(run())
    assert ended == [True]  # a thread still loads: whoever runs the server ends the process


def test_versions_that_do_not_load_are_not_counted(tmp_path, caplog):
    folder = tmp_path / "sums"
    for number in (1, 2, 3, 4):
        bundles.save_arithmetic(folder / str(number), offset=100.0 * number)
    for number in (2, 4):
        shutil.rmtree(folder / str(number) / "variables")

    def answer(server):
        response = server.http.post("/v1/models/sums:predict", json={"inputs": [[0, 0, 0]]})
        return response.json()["outputs"][0][0]

    with running(folder) as server:
        assert states(server) == {"4": "END", "3": "AVAILABLE"}  # 2 is not even looked at
        assert answer(server) == 300.0
        # Nothing is left of 4, and the next of the old ones that loads takes over from 3.
        for number in (3, 4):
            shutil.rmtree(folder / str(number))
        wait_for(lambda: states(server) == {"2": "END", "1": "AVAILABLE"})
        assert answer(server) == 100.0
    with running(folder, num_versions=2) as server:
        assert states(server) == {"2": "END", "1": "AVAILABLE"}
    assert f"sums: {folder / '4'} cannot be loaded" in caplog.text


def test_a_saved_model_without_a_bundle(tmp_path):
    bundles.save(bundles.Arithmetic(5.0), tmp_path / "any/4", ["scale"])
    inputs = {"x": [[1, 2, 3]], "factor": 1}
    for bundle in (tmp_path / "any/4", f"other={tmp_path / 'any'}"):
        with running(bundle) as server:
            name = "other" if "=" in str(bundle) else "any"
            response = server.http.post(
                f"/v1/models/{name}/versions/4:predict", json={"inputs": inputs}
            )
            assert response.json() == {"outputs": [[6.0, 7.0, 8.0]]}
            missing = server.http.post(
                f"/v1/models/{name}:predict", json={"inputs": {"x": [[1, 2, 3]]}}
            )
            assert missing.status_code == 400
            assert "Input 'factor' is missing" in missing.json()["error"]


def test_what_cannot_be_served_is_said_at_the_start(tmp_path):
    def refused(*folders, error=ValueError, **settings):
        with pytest.raises(error) as raised, running(*folders, **settings):
            pass
        return str(raised.value)

    assert "has none" in refused(tmp_path / "nowhere")
    bundles.save_arithmetic(tmp_path / "sums/1")
    with running(tmp_path / "sums") as server:
        taken = {"rest_port": server.rest_port, "grpc_port": server.grpc_port}
        for name, port in taken.items():
            said = refused(tmp_path / "sums", error=OSError, **{name: port})
            assert f"`{name}` must be free" in said and str(port) in said
    assert "must have different names" in refused(tmp_path / "sums", tmp_path / "sums/1")
    assert "name it as in NAME=FOLDER" in refused(f"a:b={tmp_path / 'sums'}")
    (tmp_path / "broken/1").mkdir(parents=True)
    (tmp_path / "broken/1/saved_model.pb").write_bytes(b"\xff\xff")
    assert "must be a SavedModel for serving" in refused(tmp_path / "broken")
    for text, sentence in (("{", "must be JSON"), (json.dumps({"format": 9}), "of format 1")):
        (tmp_path / "sums/tfzoo.json").write_text(text)
        assert sentence in refused(tmp_path / "sums")
