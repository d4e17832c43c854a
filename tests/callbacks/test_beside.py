import threading
import time

import pytest

from tfzoo.callbacks.beside import Beside


def fail(sentence):
    raise OSError(sentence)


def test_a_call_runs_beside_and_is_waited_for():
    done, may_go_on = [], threading.Event()
    with Beside() as beside:
        beside.start(lambda: may_go_on.wait(60) and done.append(1))
        beside.check()
        assert not done
        may_go_on.set()
        beside.start(done.append, 2)
        assert done[0] == 1
        beside.finish()
        assert done == [1, 2]
        beside.start(lambda: time.sleep(0.05) or done.append(3))
    assert done == [1, 2, 3]


def test_what_went_wrong_is_raised_once():
    with Beside() as beside:
        beside.start(fail, "full")
        with pytest.raises(OSError, match="full"):
            beside.start(fail, "not started")
        beside.check()
        beside.start(fail, "again")
        with pytest.raises(OSError, match="again"):
            while True:
                beside.check()
                time.sleep(0.001)
        beside.finish()
