"""A lane that nobody uses is given back, and one that works is not."""

import threading
import time

from trainables.lane.idle_timer import IdleTimer


def test_what_is_not_used_is_left_once_and_never_during_work() -> None:
    left = threading.Event()
    times: list[float] = []

    def leave() -> None:
        times.append(time.monotonic())
        left.set()

    rest = IdleTimer(leave, after_s=0.2)
    with rest.interrupted():
        pass
    with rest.interrupted():  # before the patience of the first has ended
        time.sleep(0.4)
        assert not times
        ended = time.monotonic()
    assert left.wait(5)
    assert times[0] - ended >= 0.2
    time.sleep(0.3)
    assert len(times) == 1


def test_work_that_fails_counts_as_work_and_an_end_is_an_end() -> None:
    left = threading.Event()
    rest = IdleTimer(left.set, after_s=0.1)
    try:
        with rest.interrupted():
            raise RuntimeError
    except RuntimeError:
        pass
    assert left.wait(5)
    left.clear()
    with rest.interrupted():
        pass
    rest.end()
    assert not left.wait(0.4)
