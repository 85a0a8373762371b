"""Lanes without room are reported with what is missing, and the study does not wait forever."""

import pytest

from cluster.worker_groups import WorkerGroups
from study.execution.callbacks.lanes import WaitingLanes
from study.execution.stopping import policy_of
from study.ledger.events import LanesChanged, LanesWaiting
from study.ledger.record import StudyRecord
from study.planning.request import StudyRequest

TWO = ({"CPU": 1.0, "GPU": 0.5}, {"CPU": 1.0, "GPU": 0.5})


def waiting(*groups: str, placed: int = 0) -> WorkerGroups:
    """``placed`` lanes have room, these groups wait, and another job holds all CPUs."""
    return WorkerGroups(placed, dict.fromkeys(groups, TWO), {"GPU": 1.0}, {"CPU": 4.0, "GPU": 1.0})


class Reports:
    """Collects what a study with this patience reports."""

    def __init__(self, patience_s: float) -> None:
        self.waits: list[tuple[int, str]] = []
        self.stops: list[str] = []
        self.lanes = WaitingLanes(
            patience_s, self.stops.append, lambda *report: self.waits.append(report), look=waiting
        )


def test_a_lane_that_waits_a_minute_is_named_once_with_what_is_missing() -> None:
    reports = Reports(1800)
    for now in range(0, 300, 5):
        reports.lanes.follow(waiting("a", "b", placed=1), now)
    missing = "each requests 2 workers of 1 CPU and 0.5 GPU; 0 of 4 CPU and 1 of 1 GPU are free"
    assert reports.waits == [(2, missing)]
    assert reports.stops == []


def test_a_study_without_any_lane_ends_after_its_patience() -> None:
    reports = Reports(600)
    for now in range(0, 605, 5):
        assert reports.stops == []
        # After half an hour Ray Train tries again, with another group.
        reports.lanes.follow(waiting("a" if now < 300 else "b"), now)
    assert len(reports.stops) == 1
    assert reports.stops[0].startswith(
        "no lane has had room for 10 min: each requests 2 workers of"
    )
    assert [lanes for lanes, _ in reports.waits] == [1, 1]


def test_lanes_that_start_or_work_do_not_end_the_study() -> None:
    reports = Reports(100)
    for now in range(0, 1000, 5):
        reports.lanes.follow(waiting(f"group-{now // 30}", placed=(now // 50) % 2), now)
    assert (reports.waits, reports.stops) == ([], [])
    reports.lanes.follow(WorkerGroups(0), 1000)
    reports.lanes.follow(waiting("late"), 1105)
    assert reports.stops == []


def test_waiting_is_in_the_ledger_and_does_not_change_the_record() -> None:
    record = StudyRecord()
    record.apply(LanesChanged(lanes=4, nodes=1))
    record.apply(LanesWaiting(time=1.0, lanes=2, missing="room"))
    assert record.trials == {}
    assert record.usage.lanes == 4


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan")])
def test_a_patience_that_is_not_positive_is_refused(minutes: float) -> None:
    with pytest.raises(ValueError, match="--lane-wait must be above 0 minutes"):
        policy_of(StudyRequest(lane_wait=minutes))
