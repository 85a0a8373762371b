"""An idle lane is released, and a working one is not."""

import threading
import time

from trainables.lane.idle_timer import IdleTimer


def test_an_idle_resource_is_released_once_and_never_during_work() -> None:
    released = threading.Event()
    times: list[float] = []

    def release() -> None:
        times.append(time.monotonic())
        released.set()

    timer = IdleTimer(release, after_s=0.2)
    with timer.paused():
        pass
    with timer.paused():  # before the first timer has expired
        time.sleep(0.4)
        assert not times
        ended = time.monotonic()
    assert released.wait(5)
    assert times[0] - ended >= 0.2
    time.sleep(0.3)
    assert len(times) == 1


def test_work_that_fails_counts_as_work_and_a_stop_is_final() -> None:
    released = threading.Event()
    timer = IdleTimer(released.set, after_s=0.1)
    try:
        with timer.paused():
            raise RuntimeError
    except RuntimeError:
        pass
    assert released.wait(5)
    released.clear()
    with timer.paused():
        pass
    timer.stop()
    assert not released.wait(0.4)
