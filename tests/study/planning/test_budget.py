"""Budgets: what counts as used, when a study stops, and how it is resumed."""

import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.search import Searcher

from study.execution.callbacks.budget import BudgetStopper
from study.execution.callbacks.ledger_writer import LedgerWriter
from study.execution.stopping import Faults, Policy, Stop
from study.ledger.events import (
    BudgetSpent,
    EpochEnded,
    Event,
    Finished,
    LanesChanged,
    Planned,
    Resumed,
    StageReady,
    Started,
)
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.provenance import Provenance
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.usage import Usage
from study.planning import budget
from study.planning.budget import is_spent, outlook, seconds_left, used_hours
from tests.study import fake, reports
from tests.study.commands.test_run import refused
from tests.study.search.test_optuna_search import search


def fold(*events: Event) -> Usage:
    usage = Usage()
    for event in events:
        usage.apply(event)
    return usage


def planned(lanes: int, time: float) -> Planned:
    facts = Provenance(commit="c" * 40, dirty=False)
    return Planned(plan=fake.plan(Path(), lanes=lanes), data=fake.DATA, provenance=facts, time=time)


def started(trial: int, time: float) -> Started:
    return Started(trial=trial, id=f"{trial}", params={}, config={}, time=time)


def epoch(trial: int, time: float) -> EpochEnded:
    return EpochEnded(trial=trial, epoch=1, metrics={}, lane="a", seconds=1.0, time=time)


def test_time_counts_while_an_attempt_runs_and_lanes_while_a_trial_holds_them() -> None:
    """Two lanes; trial 0 holds one for 30 s, trial 1 one for 10 s, is interrupted, waits an hour,
    and holds it for 25 s more."""
    usage = fold(
        planned(lanes=2, time=1000),
        StageReady(kind="edge_net", key="k", seconds=9.0, reused=False, time=1020),
        started(0, time=1030),
        started(1, time=1050),
        epoch(0, time=1060),
        Finished(trial=0, state="complete", time=1060),
        Resumed(continue_after={1: 0}, lanes=1, time=4660),
        epoch(1, time=4685),
    )
    assert (usage.seconds, usage.lane_seconds) == (60 + 25, 30 + 10 + 25)
    assert usage.at(4695) == (85 + 10, 65 + 10)


def test_interrupted_trials_hold_no_more_lanes_than_there_are() -> None:
    resumed = Resumed(continue_after={0: 1, 1: 1, 2: 1}, lanes=2, time=100)
    ten_seconds = (planned(lanes=3, time=0), resumed, epoch(0, time=110))
    assert fold(*ten_seconds).lane_seconds == 20
    joined = LanesChanged(lanes=3, nodes=2, time=110)
    assert fold(*ten_seconds, joined).at(120)[1] == 20 + 3 * 10


def limited(storage: Path, **limits: float) -> Plan:
    return fake.plan(storage, budget=limits, gpus_per_worker=0.5, workers=2, lanes=2)


def started_study(of: Plan, hours_ago: float) -> StudyRecord:
    """The record of a study whose first trial started ``hours_ago``."""
    ledger = fake.begin(of)
    fake.start(ledger, of, 0)
    record = ledger.record
    record.usage.since -= hours_ago * 3600
    return record


def test_either_limit_ends_the_study(tmp_path: Path) -> None:
    now = time.time()
    cases: tuple[tuple[dict[str, float], bool], ...] = (
        ({}, False),
        ({"hours": 1.5}, True),
        ({"hours": 2.5}, False),
        ({"gpu_hours": 1.5}, True),
        ({"gpu_hours": 2.5}, False),
        ({"hours": 9.0, "gpu_hours": 1.5}, True),
    )
    for limits, spent in cases:
        record = started_study(limited(tmp_path / str(limits), **limits), hours_ago=2)
        assert used_hours(record, now) == pytest.approx({"hours": 2, "gpu_hours": 2}, abs=0.01)
        assert is_spent(record) == spent


def test_the_outlook_names_the_first_limit_and_what_is_left(tmp_path: Path) -> None:
    record = started_study(limited(tmp_path, hours=3, gpu_hours=2.5), hours_ago=2)
    now = time.time()
    assert seconds_left(record, now) == pytest.approx(1800, abs=10)  # one lane of one GPU is held
    by_trials, by_budget = outlook(record, 600, now), outlook(record, 7200, now)
    clock = time.strftime("%H:%M", time.localtime(now + 600))
    assert by_trials.startswith(f"will end at {clock} (in 10 min)")
    assert re.match(r"budget ends it at \d\d:\d\d \(in 30 min\)", by_budget)
    assert by_budget.endswith("1 of 3 h left, 0.5 of 2.5 GPU h left")
    assert outlook(fake.begin(fake.plan(tmp_path / "free")).record, None, now) == ""


def test_once_spent_no_trial_starts_and_a_running_one_stops_after_its_epoch(
    tmp_path: Path,
) -> None:
    of = limited(tmp_path, hours=1)
    ledger = fake.begin(of)
    stopper = BudgetStopper(ledger.record)
    searcher = search(ledger)
    searcher.may_start = lambda: not is_spent(ledger.record)
    config = searcher.suggest("a")
    assert isinstance(config, dict)
    fake.start(ledger, of, 0)
    fake.epoch(ledger, ledger.record.trials[0], 1)
    assert not stopper("a", {"done": False})
    ledger.record.usage.seconds = 3600
    assert not stopper("b", {"done": True})
    assert stopper("a", {"done": False})
    assert searcher.suggest("c") == Searcher.FINISHED
    trial: Any = SimpleNamespace(trial_id="a", config=config)
    LedgerWriter(ledger, Faults(Policy(), Stop()), stopper).on_trial_complete(1, [], trial)
    assert ledger.record.in_state("running")  # neither complete nor pruned: a resume continues it
    LedgerWriter(ledger, Faults(Policy(), Stop())).on_trial_complete(1, [], trial)
    assert ledger.record.in_state("pruned")


def spent_study(storage: Path) -> Ledger:
    of = limited(storage, hours=1)
    ledger = fake.begin(of)
    for number in range(4):
        fake.complete(ledger, of, number)
    fake.epoch(ledger, fake.start(ledger, of, 4), 1)
    ledger.append(BudgetSpent(used={"hours": 1.25, "gpu_hours": 0.5}))
    ledger.record.usage.seconds = 4500
    return ledger


def test_the_report_says_that_the_budget_is_spent_until_the_study_is_resumed(
    tmp_path: Path,
) -> None:
    ledger = spent_study(tmp_path)
    record = ledger.record
    assert record.state == "budget spent"
    folder = StudyFolder(tmp_path / "fake")
    words = "Not all of it ran: budget spent: 1.25 of 1 h."
    assert words in reports.markdown(record, folder.path)
    more = budget.renewed(record, {"hours": 2.0})
    ledger.append(Resumed(continue_after={4: 1}, lanes=2, budget=more))
    assert (record.state, record.plan.budget) == ("interrupted", {"hours": 2.0})
    assert "budget spent" not in reports.markdown(record, folder.path)
    assert not is_spent(record)


def test_a_spent_budget_is_renewed_above_what_was_used_or_lifted(tmp_path: Path) -> None:
    record = spent_study(tmp_path).record
    too_little: tuple[dict[str, float], ...] = ({}, {"hours": 1.25}, {"gpu_hours": 3.0})
    for limits in too_little:
        with pytest.raises(ValueError, match=r"must be more than the 1\.25 h that fake"):
            budget.renewed(record, limits)
    assert budget.renewed(record, {"hours": float("inf")}) == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-hours", "0"], "--max-hours must be above 0, got 0"),
        (["--max-hours", "nan"], "--max-hours must be above 0, got nan"),
        (["--max-hours", "two"], "invalid float value: 'two'"),
        (["--max-gpu-hours", "3"], "--max-gpu-hours needs lanes with GPUs"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    assert words in refused(capsys, tmp_path, "--space", "inverseform", *arguments)
