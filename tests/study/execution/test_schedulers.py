"""A lane that has become free goes to a trial without ending one that starts."""

from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.experiment import Trial

from study.execution import schedulers
from study.execution.schedulers import Fifo


def trial(number: int, status: str = Trial.PENDING) -> Any:
    return SimpleNamespace(trial_id=f"t{number}", status=status, config={"number": number})


def chosen(scheduler: Fifo, *live: Any) -> int | None:
    controller = SimpleNamespace(get_live_trials=lambda: set_of(live))
    found = scheduler.choose_trial_to_run(controller)
    return None if found is None else int(found.config["number"])


def set_of(live: Any) -> list[Any]:
    """The trials in another order: Tune's set of live trials has none."""
    return list(reversed(live))


def test_lanes_start_in_order_and_a_free_one_goes_to_the_newest() -> None:
    scheduler = Fifo()
    first, second, third = trial(0), trial(1), trial(2)
    assert chosen(scheduler) is None
    assert chosen(scheduler, first, second) == 0
    first.status = Trial.RUNNING
    assert chosen(scheduler, first, second) == 1
    assert chosen(scheduler, second, third) == 2  # the first has ended: its lane is free
    assert chosen(scheduler, second, third) == 2


def test_a_trial_that_has_waited_long_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler, clock = Fifo(), [0.0]
    monkeypatch.setattr(schedulers, "monotonic", lambda: clock[0])
    assert chosen(scheduler, trial(4)) == 4
    clock[0] = 61.0
    assert chosen(scheduler, trial(4), trial(5)) == 4
